package encode

import (
	"strconv"

	"gantry/record"
)

// number is a header byte as AWS writes it: a signed decimal.
type number struct {
	text [4]byte
	len  uint8
}

// numbers holds the text of each header byte.
var numbers = func() (t [256]number) {
	for b := range t {
		t[b].len = uint8(copy(t[b].text[:], strconv.Itoa(int(int8(b)))))
	}
	return t
}()

// headersSize is the size of the objects of a header list, with the commas between.
func headersSize(hs []record.Header) int {
	n := max(len(hs)-1, 0)
	for i := range hs {
		n += len("{") + textSize(hs[i].Key) + len(":[") + max(len(hs[i].Value)-1, 0) + len("]}")
		for _, b := range hs[i].Value {
			n += int(numbers[b].len)
		}
	}
	return n
}

// appendHeaders writes one object for each header, so that order and repeated keys
// survive.
func appendHeaders(dst []byte, hs []record.Header) []byte {
	for i := range hs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(append(dst, '{'), hs[i].Key), ":["...)
		for j, b := range hs[i].Value {
			if j > 0 {
				dst = append(dst, ',')
			}
			n := &numbers[b]
			dst = append(dst, n.text[:n.len]...)
		}
		dst = append(dst, "]}"...)
	}
	return dst
}
