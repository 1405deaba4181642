package places

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
)

// refusal reads an error in the two forms AWS writes it in: JSON (SQS) and XML (SNS with
// an outer element, S3 without).
func refusal(q request, res *http.Response, body []byte) error {
	e := &Error{Operation: q.operation, Status: res.StatusCode, region: res.Header.Get("X-Amz-Bucket-Region")}
	var plain struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Capital string `json:"Message"`
	}
	var one struct {
		Code    string `xml:"Code"`
		Message string `xml:"Message"`
		Inner   struct {
			Code    string `xml:"Code"`
			Message string `xml:"Message"`
		} `xml:"Error"`
	}
	switch {
	case json.Unmarshal(body, &plain) == nil:
		e.Code, e.Message = plain.Type, plain.Message+plain.Capital
	case xml.Unmarshal(body, &one) == nil:
		e.Code, e.Message = one.Code+one.Inner.Code, one.Message+one.Inner.Message
	}
	if at := strings.LastIndexByte(e.Code, '#'); at >= 0 {
		e.Code = e.Code[at+1:]
	}
	if e.Code == "" {
		e.Code = http.StatusText(res.StatusCode)
	}
	return e
}
