package poll

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Every version the client can send is known: with a newer client this fails until the
// new layout has been looked at.
func TestTheWaitOfAFetchIsFoundInEveryVersion(t *testing.T) {
	t.Parallel()
	for _, opt := range []kmsg.RequestFormatterOpt{kmsg.FormatterClientID("gantry"), kmsg.FormatterClientID("")} {
		format := kmsg.NewRequestFormatter(opt)
		req := kmsg.NewPtrFetchRequest()
		for version := int16(0); version <= req.MaxVersion(); version++ {
			req.SetVersion(version)
			req.MaxWaitMillis, req.MinBytes = int32(movingWait.Milliseconds()), 1
			b := format.AppendRequest(nil, req, 7)
			at := waitOf(b)
			require.Positive(t, at, "version %d", version)
			binary.BigEndian.PutUint32(b[at:], 5000)
			req.MaxWaitMillis = 5000
			require.Equal(t, format.AppendRequest(nil, req, 7), b, "version %d", version)
		}
	}
	metadata := kmsg.NewPtrMetadataRequest()
	require.Zero(t, waitOf(kmsg.NewRequestFormatter().AppendRequest(nil, metadata, 1)))
	require.Zero(t, waitOf(nil))
}
