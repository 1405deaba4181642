package poll

import (
	"context"
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"gantry/kafka"
)

// How long a broker holds a fetch that finds nothing: briefly while anything moves, so
// that partitions that come or resume are fetched soon; longer once nothing has moved
// for a while, because a thousand idle mappings would otherwise send 2,000 fetches a
// second. A record that comes ends the wait at once, short or long.
const (
	movingWait = 500 * time.Millisecond
	idleWait   = 20 * time.Second
	idleAfter  = 5 * time.Second
)

// longPoll gives each fetch its wait. The client has one for life, so this sits between
// it and its connections and writes the longer one into the fetches of an idle mapping.
// A fetch it does not know the layout of keeps the short wait.
type longPoll struct {
	mu    sync.Mutex
	moved time.Time
	long  map[*fetchConn]struct{} // connections with a long wait under way
}

// connIdle is how long the client keeps a connection it does not use: longer than the
// time between two refreshes of its metadata, or each would dial again.
const connIdle = 2 * metadataAge

func newLongPoll() *longPoll {
	return &longPoll{moved: time.Now(), long: map[*fetchConn]struct{}{}}
}

// dialer wraps what dial opens.
func (l *longPoll) dialer(dial kafka.Dialer) kgo.Opt {
	return kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &fetchConn{Conn: conn, of: l}, nil
	})
}

// note says that something moved.
func (l *longPoll) note() {
	l.mu.Lock()
	l.moved = time.Now()
	l.mu.Unlock()
}

// hurry says that there is more to fetch than the fetches under way ask for. The broker
// answers a connection's requests one by one, so a long wait is cut by closing its
// connection: the client fetches again on a new one a quarter of a second later.
func (l *longPoll) hurry() {
	l.mu.Lock()
	l.moved = time.Now()
	cut := l.long
	l.long = map[*fetchConn]struct{}{}
	l.mu.Unlock()
	for c := range cut {
		_ = c.Close()
	}
}

// lengthen decides the wait of a fetch that is about to be written.
func (l *longPoll) lengthen(c *fetchConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.moved) < idleAfter {
		return false
	}
	l.long[c] = struct{}{}
	return true
}

func (l *longPoll) waits(c *fetchConn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, long := l.long[c]
	return long
}

func (l *longPoll) answered(c *fetchConn) {
	l.mu.Lock()
	delete(l.long, c)
	l.mu.Unlock()
}

// fetchConn is a connection whose fetches may wait longer than the client thinks.
type fetchConn struct {
	net.Conn
	of *longPoll
}

// Write gets a whole request from the client.
func (c *fetchConn) Write(b []byte) (int, error) {
	if at := waitOf(b); at > 0 && c.of.lengthen(c) {
		b = slices.Clone(b) // the caller's bytes are the caller's
		binary.BigEndian.PutUint32(b[at:], uint32(idleWait.Milliseconds()))
	}
	return c.Conn.Write(b)
}

func (c *fetchConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.of.answered(c)
	return n, err
}

// SetReadDeadline adds the longer wait to the time the client allows an answer. A
// deadline that is due now is the client's way to end a read.
func (c *fetchConn) SetReadDeadline(at time.Time) error {
	if c.of.waits(c) && time.Until(at) > movingWait {
		at = at.Add(idleWait - movingWait)
	}
	return c.Conn.SetReadDeadline(at)
}

func (c *fetchConn) Close() error {
	c.of.answered(c)
	return c.Conn.Close()
}

// waitOf finds MaxWaitMs in a Fetch request; 0 for any other request and for a version
// whose layout is not known. The header is size, key, version, correlation id and client
// id, and tags from version 12 on; the replica id leaves the body's head with version 15
// (Kafka's RequestHeader.json and FetchRequest.json).
func waitOf(b []byte) int {
	const fetch, firstFlexible, withoutReplica, known = 1, 12, 15, 18
	const idAt = 12 // of the client id's length
	if len(b) < idAt+2 || binary.BigEndian.Uint16(b[4:]) != fetch {
		return 0
	}
	version := binary.BigEndian.Uint16(b[6:])
	at := idAt + 2 + int(max(0, int16(binary.BigEndian.Uint16(b[idAt:]))))
	if version >= firstFlexible {
		at++ // no tags
	}
	if version < withoutReplica {
		at += 4
	}
	if version > known || len(b) < at+4 || binary.BigEndian.Uint32(b[at:]) != uint32(movingWait.Milliseconds()) {
		return 0
	}
	return at
}
