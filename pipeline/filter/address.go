package filter

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseAddress reads an IP address as the Event Ruler does, which is as Java does:
// leading zeros are allowed, "::ffff:a00:1" is the IPv4 address 10.0.0.1. net/netip is
// stricter. The result has 4 or 16 bytes.
func parseAddress(text string) ([]byte, bool) {
	if strings.Contains(text, ":") {
		return parseIPv6(text)
	}
	return parseIPv4(text)
}

func parseIPv4(text string) ([]byte, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 4 || len(text) > 15 {
		return nil, false
	}
	address := make([]byte, 4)
	for i, part := range parts {
		n, ok := digits(part, 10, math.MaxUint8)
		if !ok {
			return nil, false
		}
		address[i] = byte(n)
	}
	return address, true
}

func parseIPv6(text string) ([]byte, bool) {
	head, tail, short := strings.Cut(text, "::")
	front, ok := groups(head)
	if !ok || strings.Contains(tail, "::") {
		return nil, false
	}
	back, ok := groups(tail)
	missing := 16 - len(front) - len(back)
	if !ok || missing < 0 || short != (missing > 0) {
		return nil, false
	}
	address := append(append(front, make([]byte, missing)...), back...)
	if v4, ok := bytes.CutPrefix(address, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff")); ok {
		return v4, true
	}
	return address, true
}

func groups(text string) ([]byte, bool) {
	if text == "" {
		return nil, true
	}
	var all []byte
	for part := range strings.SplitSeq(text, ":") {
		n, ok := digits(part, 16, math.MaxUint16)
		if !ok {
			return nil, false
		}
		all = append(all, byte(n>>8), byte(n))
	}
	return all, len(all) <= 16
}

// digits reads a number without sign or underscore.
func digits(text string, base int, most uint64) (uint64, bool) {
	if strings.Trim(text, "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil && n <= most
}

// addressRange passes the addresses between two ends, both included. Where an IPv6
// address meets IPv4 ends, or the other way round, the leading bytes decide: the Event
// Ruler compares addresses as text and stops as soon as the outcome is clear.
type addressRange struct{ low, high []byte }

func parseRange(text string) (addressRange, error) {
	base, mask, ok := strings.Cut(strings.TrimRight(text, "/"), "/")
	if !ok || strings.Contains(mask, "/") {
		return addressRange{}, fmt.Errorf("%q must be an address, one slash and a number of bits", text)
	}
	address, ok := parseAddress(base)
	if !ok {
		return addressRange{}, fmt.Errorf("%q is no IPv4 or IPv6 address", base)
	}
	bits, err := strconv.Atoi(mask)
	if err != nil || bits < 0 || bits >= 8*len(address) {
		return addressRange{}, errors.New("the number of bits must be 0 to " + strconv.Itoa(8*len(address)-1))
	}
	r := addressRange{low: bytes.Clone(address), high: bytes.Clone(address)}
	for i := range address {
		free := byte(0xff >> min(8, max(0, bits-8*i)))
		r.low[i] &^= free
		r.high[i] |= free
	}
	return r, nil
}

func (r addressRange) passes(v *value) bool {
	if v.kind != stringValue || len(v.text) > maxAddressText {
		return false
	}
	address, ok := parseAddress(string(v.text))
	if !ok {
		return false
	}
	n := min(len(address), len(r.low))
	low, high := bytes.Compare(address[:n], r.low[:n]), bytes.Compare(address[:n], r.high[:n])
	if n < len(r.low) {
		return low > 0 && high < 0
	}
	return low >= 0 && high <= 0
}

// maxAddressText spares long strings the parsing. Zeros in front can make an IPv6
// address as long as one likes; beyond this it is no address here.
const maxAddressText = 256
