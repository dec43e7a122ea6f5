package scenario

import (
	"time"

	"github.com/trailblame/trailblame/bench/trailgen/trail"
)

// quiet makes a scenario whose failures no change caused.
func (s *story) quiet(layer string) {
	s.layer(layer, false)
	s.label.Style, s.label.Window, s.label.Gap = "type", "", 0
}

// neverAllowed: the principal asks for what it never was given.
func neverAllowed(s *story) {
	s.cast("")
	s.want(requests[trail.Pick(s.r, []string{"s3", "secret"})](s, 0))
	s.quiet("identity")
	s.fresh = true
	h := s.before.holder(s.kind, s.who)
	h.inline = append(h.inline, document{"Base", trail.Policy(trail.Allow("Logs", "logs:PutLogEvents", "*"))})
}

// masked: an object that does not exist reads as access denied to whoever may
// not list the bucket; other objects are read all the time.
func masked(s *story) {
	s.cast("")
	s.want(read(s, 1))
	s.quiet("identity")
	s.fresh = true
	s.spared = []request{read(s, 0)}
	s.base(s.kind, s.who, s.req)
	s.text = trail.Denial(s.self(s.tf), "s3:ListBucket", `"arn:aws:s3:::`+s.name("reports")+`"`,
		"because no identity-based policy allows the s3:ListBucket action")
	s.label.Action, s.label.Resource = "s3:ListBucket", "arn:aws:s3:::"+s.name("reports")
}

// throttled: the service is busy.
func throttled(s *story) {
	s.cast("")
	s.want(requests["secret"](s, 0))
	s.quiet("none")
	s.base(s.kind, s.who, s.req)
	s.req.code, s.text = "ThrottlingException", "Rate exceeded"
}

// keyDisabled: the key is switched off, which is no change of permissions.
func keyDisabled(s *story) {
	s.cast("role")
	s.want(decrypt(s, 0))
	s.quiet("none")
	s.req.code, s.text = "DisabledException", s.req.resource+" is disabled."
	s.extra = func(at time.Time) { s.c.Key(at, s.admin, "DisableKey", tail(s.req.resource), nil) }
}

// expired: the credentials are too old.
func expired(s *story) {
	s.cast("role")
	s.want(read(s, 0))
	s.quiet("none")
	s.base(s.kind, s.who, s.req)
	s.req.code, s.text = "ExpiredToken", "The provided token has expired."
}

// stillDenied: the principal was denied before, and goes on being denied; the
// change between, which would deny it as well, is not to blame.
func stillDenied(s *story) {
	s.cast("")
	s.want(requests[trail.Pick(s.r, []string{"s3", "secret"})](s, 0))
	s.quiet("identity")
	s.label.Explicit, s.fresh = true, true
	h := s.base(s.kind, s.who, s.req)
	h.inline = append(h.inline, document{name: "Shut", doc: trail.Policy(trail.Deny("Shut", s.req.action, "*"))})
	s.earlier = true
	if s.label.Baseline == "trail" {
		s.label.Baseline = "unknown" // else the trail would show who shut it
	}
	s.extra = func(at time.Time) {
		s.c.PutInline(at, s.admin, s.kind, s.who, "ShutToo", trail.Policy(trail.Deny("ShutToo", s.req.action, "*")))
	}
}

// blindSpot: the request worked, then fails with no change of anything that
// could reach it in the trail: what did it happened where the trail is blind.
func blindSpot(s *story) {
	s.cast("")
	s.ask("s3", "secret", "ec2")
	s.quiet("identity")
	s.label.Explicit = s.r.Chance(0.5)
	s.base(s.kind, s.who, s.req)
}
