package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/trailblame/trailblame/ingest"
)

// Scheme begins the name of a log group as a source.
const Scheme = "cloudwatch://"

// Options choose what Source reads.
type Options struct {
	Access
	// From and To bound the time of the log events. They are widened to whole
	// hours. A zero From is the oldest event that the group can hold, a zero
	// To is now.
	From, To time.Time
}

const (
	slice     = time.Hour
	sliceName = "2006-01-02T15"
	// settle is how long after its end a slice may still get events:
	// CloudTrail delivers within minutes, as a rule.
	settle = time.Hour
	// early is how much older than its group an event may be: CloudWatch
	// Logs takes events from as far back.
	early = 14 * 24 * time.Hour
)

// VersionComplete is the version of a slice that gets no more events. The
// version of a younger one changes with each listing.
const VersionComplete = "complete"

// Source is a log group, as an ingest.Source. Each hour is an object, named
// cloudwatch://GROUP/2026-01-02T03, whose text is a line {"message": "…"} for
// each log event, in the order in which the group gives them. An hour that was
// read when it was complete needs no second reading, so that a run that was
// interrupted goes on where it stopped.
//
// Messages are taken as CloudWatch Logs shows them: what a data protection
// policy of the group masks stays masked.
type Source struct {
	group    string // name or ARN
	from, to time.Time
	client   *cloudwatchlogs.Client
	pace     pace
	now      func() time.Time
}

// New returns the source of a log group, named by its name, its ARN (for the
// group of another account) or either behind Scheme. It makes no call yet.
func New(ctx context.Context, group string, opts Options) (*Source, error) {
	group = strings.TrimSuffix(strings.TrimPrefix(group, Scheme), ":*")
	if group == "" {
		return nil, errors.New("cloudwatch://: the name of a log group is missing")
	}
	cfg, err := opts.load(ctx)
	if err != nil {
		return nil, err
	}
	return &Source{
		group: group, from: opts.From, to: opts.To,
		client: cloudwatchlogs.NewFromConfig(cfg), pace: defaultPace, now: time.Now,
	}, nil
}

// Objects implements ingest.Source. The hours come from the oldest to the
// youngest. They are not counted before they are read, so their Size is 0.
func (s *Source) Objects(ctx context.Context) iter.Seq2[ingest.Object, error] {
	return func(yield func(ingest.Object, error) bool) {
		now := s.now().UTC()
		from, err := s.begin(ctx, now)
		if err != nil {
			yield(ingest.Object{Name: Scheme + s.group}, fmt.Errorf("log group %s: %w", s.group, err))
			return
		}
		to := now
		if !s.to.IsZero() && s.to.Before(now) {
			to = s.to
		}
		for hour := from.Truncate(slice); hour.Before(to); hour = hour.Add(slice) {
			if err := ctx.Err(); err != nil {
				yield(ingest.Object{}, err)
				return
			}
			if !yield(s.object(hour, now), nil) {
				return
			}
		}
	}
}

func (s *Source) object(hour, now time.Time) ingest.Object {
	obj := ingest.Object{Name: Scheme + s.group + "/" + hour.Format(sliceName), Version: VersionComplete}
	if hour.Add(slice + settle).After(now) {
		obj.Version = "until " + now.Format(time.RFC3339Nano)
	}
	return obj
}

// begin returns the time of the oldest event to read. It asks about the group
// even when From is set, because a group that is not there would otherwise
// fail hour by hour.
func (s *Source) begin(ctx context.Context, now time.Time) (time.Time, error) {
	group, err := s.describe(ctx)
	var refused *callError
	if errors.As(err, &refused) && slices.Contains(noDescription, refused.code) {
		if s.from.IsZero() {
			return time.Time{}, fmt.Errorf("%w (with --from the group need not be described)", err)
		}
		return s.from, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	oldest := oldestEvent(group, now)
	if s.from.After(oldest) {
		return s.from, nil
	}
	return oldest, nil
}

// noDescription are answers to those who may read the events of a group but not
// describe it; the second is for an ARN outside of a monitoring account.
var noDescription = []string{"AccessDeniedException", "InvalidParameterException"}

// oldestEvent is the time before which the group holds nothing: none is older
// than its retention, or much older than the group.
func oldestEvent(group *types.LogGroup, now time.Time) time.Time {
	var oldest time.Time
	if group.CreationTime != nil {
		oldest = time.UnixMilli(*group.CreationTime).UTC().Add(-early)
	}
	if days := group.RetentionInDays; days != nil && *days > 0 {
		if kept := now.AddDate(0, 0, -int(*days)); kept.After(oldest) {
			oldest = kept
		}
	}
	return oldest
}

// describe finds the group among those whose names begin like its own.
func (s *Source) describe(ctx context.Context) (*types.LogGroup, error) {
	in := &cloudwatchlogs.DescribeLogGroupsInput{}
	name := groupName(s.group)
	if name != s.group {
		linked := true
		in.LogGroupIdentifiers, in.IncludeLinkedAccounts = []string{s.group}, &linked
	} else {
		in.LogGroupNamePrefix = &name
	}
	var seen cycle
	for {
		out, err := again(ctx, s.pace, func(ctx context.Context) (*cloudwatchlogs.DescribeLogGroupsOutput, error) {
			out, err := s.client.DescribeLogGroups(ctx, in)
			if err == nil && out.LogGroups == nil {
				err = errNoAnswer
			}
			return out, err
		})
		if err != nil {
			return nil, err
		}
		for _, group := range out.LogGroups {
			if group.LogGroupName != nil && *group.LogGroupName == name && group.CreationTime != nil {
				return &group, nil
			}
		}
		if out.NextToken == nil || *out.NextToken == "" {
			return nil, errors.New("there is no such log group in this region")
		}
		if err := seen.next(*out.NextToken); err != nil {
			return nil, err
		}
		in.NextToken = out.NextToken
	}
}

// groupName returns the name that an ARN, arn:aws:logs:R:A:log-group:NAME, holds.
func groupName(group string) string {
	if parts := strings.SplitN(group, ":", 7); len(parts) == 7 && parts[0] == "arn" {
		return parts[6]
	}
	return group
}

// Open implements ingest.Source. Pages are fetched as the text is read.
func (s *Source) Open(ctx context.Context, obj ingest.Object) (io.ReadCloser, error) {
	prefix := Scheme + s.group + "/"
	stamp, ok := strings.CutPrefix(obj.Name, prefix)
	hour, err := time.Parse(sliceName, stamp)
	if !ok || err != nil {
		return nil, fmt.Errorf("%s is not an hour of log group %s", obj.Name, s.group)
	}
	start, last := hour.UnixMilli(), hour.Add(slice).UnixMilli()-1 // both ends are included
	in := &cloudwatchlogs.FilterLogEventsInput{StartTime: &start, EndTime: &last}
	if groupName(s.group) != s.group {
		in.LogGroupIdentifier = &s.group
	} else {
		in.LogGroupName = &s.group
	}
	return &pages{ctx: ctx, source: s, in: in}, nil
}
