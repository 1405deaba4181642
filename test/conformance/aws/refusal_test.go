package aws_test

import (
	"fmt"
	"net/http"
	"strings"
)

// refuse answers as AWS's services refuse a request that no policy allows: each in the form
// of its protocol, and with its own code and spelling of the action.
func (a asked) refuse(w http.ResponseWriter, user string) {
	text := func(action string) string {
		return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %[2]s action", user, action, a.resource)
	}
	say := func(status int, kind, format string, args ...any) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("X-Amzn-Requestid", "b25f48e8-84fd-11e6-80d9-574e0c4664cb")
		w.WriteHeader(status)
		fmt.Fprintf(w, format, args...)
	}
	switch a.service {
	case "lambda":
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		say(http.StatusForbidden, "application/json", `{"Message":%q}`, text(a.action))
	case "secretsmanager":
		say(http.StatusBadRequest, "application/x-amz-json-1.1", `{"__type":"AccessDeniedException","Message":%q}`, text(a.action))
	case "sqs":
		w.Header().Set("X-Amzn-Query-Error", "AccessDenied;Sender")
		say(http.StatusForbidden, "application/x-amz-json-1.0", `{"__type":"com.amazon.coral.service#AccessDeniedException","message":%q}`, text(strings.ToLower(a.action)))
	case "sns":
		say(http.StatusForbidden, "text/xml", `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>%s</Message></Error><RequestId>9a1</RequestId></ErrorResponse>`,
			text("SNS:"+strings.TrimPrefix(a.action, "sns:")))
	case "sts":
		say(http.StatusForbidden, "text/xml", `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>%s</Message></Error><RequestId>9a2</RequestId></ErrorResponse>`, text(a.action))
	case "s3":
		say(http.StatusForbidden, "application/xml", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>9A3</RequestId><HostId>x</HostId></Error>`)
	}
}
