package large

import "github.com/trailblame/trailblame/bench/trailgen/trail"

// session is the current hour of a principal's role session.
type session struct {
	from  int // second of the day
	ident []byte
}

// call is what a record says besides its request.
type call struct {
	service, name string
	account       string
	region        string
	readOnly      bool
	data          bool
	internal      bool   // a service calls: no TLS, the service as address
	failure       string // errorCode and errorMessage with their commas
}

// open appends a record up to its request parameters.
func (d *day) open(b []byte, c *call, ident []byte, sec int, ip, agent string) []byte {
	b = append(append(b, `{"eventVersion":"1.11","userIdentity":`...), ident...)
	b = d.stamp(append(b, `,"eventTime":"`...), sec)
	b = append(append(b, `","eventSource":"`...), c.service...)
	b = append(append(b, `.amazonaws.com","eventName":"`...), c.name...)
	b = append(append(b, `","awsRegion":"`...), c.region...)
	b = append(append(b, `","sourceIPAddress":"`...), ip...)
	b = append(b, `","userAgent":"`...)
	if c.service == "s3" && !c.internal {
		b = append(append(append(b, '['), agent...), ']')
	} else {
		b = append(b, agent...)
	}
	b = append(append(b, `",`...), c.failure...)
	return append(b, `"requestParameters":`...)
}

// ids appends requestID, eventID and readOnly.
func (d *day) ids(b []byte, c *call) []byte {
	b = append(b, `,"requestID":"`...)
	if c.service == "s3" {
		b = d.text(b, upper, 16)
	} else {
		b = d.uuid(b)
	}
	b = d.uuid(append(b, `","eventID":"`...))
	b = append(b, `","readOnly":`...)
	return appendBool(b, c.readOnly)
}

// end appends what follows resources. The host is that of the TLS details.
func (d *day) end(b []byte, c *call, host ...string) []byte {
	b = appendBool(append(b, `,"eventType":"AwsApiCall","managementEvent":`...), !c.data)
	b = append(append(b, `,"recipientAccountId":"`...), c.account...)
	if c.internal {
		b = d.uuid(append(b, `","sharedEventID":"`...))
	}
	b = append(b, `","eventCategory":"`...)
	if c.data {
		b = append(b, `Data"`...)
	} else {
		b = append(b, `Management"`...)
	}
	if c.internal {
		return append(b, '}')
	}
	b = append(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`...)
	for _, h := range host {
		b = append(b, h...)
	}
	return append(b, `"}}`...)
}

// stamp appends the time of a second of the day.
func (d *day) stamp(b []byte, sec int) []byte {
	b = append(b, d.prefix...)
	b = append(two(b, sec/3600), ':')
	b = append(two(b, sec/60%60), ':')
	return append(two(b, sec%60), 'Z')
}

func two(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, "true"...)
	}
	return append(b, "false"...)
}

const (
	hexes  = "0123456789abcdef"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// text appends n characters of an alphabet of at most 64.
func (d *day) text(b []byte, alphabet string, n int) []byte {
	var bits uint64
	for i := range n {
		if i%10 == 0 {
			bits = d.r.Uint64()
		}
		b = append(b, alphabet[int(bits&63)%len(alphabet)])
		bits >>= 6
	}
	return b
}

// uuid appends a version 4 UUID.
func (d *day) uuid(b []byte) []byte {
	hi, lo := d.r.Uint64(), d.r.Uint64()
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(3<<62) | 2<<62
	b = append(hexOf(b, hi>>32, 8), '-')
	b = append(hexOf(b, hi>>16, 4), '-')
	b = append(hexOf(b, hi, 4), '-')
	b = append(hexOf(b, lo>>48, 4), '-')
	return hexOf(b, lo, 12)
}

// hexOf appends the lowest n hexadecimal digits of v.
func hexOf(b []byte, v uint64, n int) []byte {
	for shift := 4 * (n - 1); shift >= 0; shift -= 4 {
		b = append(b, hexes[v>>shift&15])
	}
	return b
}

// pick returns one of list, the first ones far more often than the last.
func pick[T any](r *trail.Rand, list []T) T { return list[skewed(r, len(list))] }

// skewed returns a long-tailed index below n: half of the draws fall on the
// first tenth of the list.
func skewed(r *trail.Rand, n int) int {
	u := r.Float()
	return int(float64(n) * u * u * u)
}
