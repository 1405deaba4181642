package kafkatest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Tap stands before the brokers of a cluster (Options.Tap) and shows a test each request
// before it is passed on, so that something can happen between two requests of a client:
// its process can be killed there. The zero value passes everything on. Safe for use by
// many goroutines.
type Tap struct {
	mu        sync.Mutex
	watchers  map[string]func(Request) bool // by client id
	listeners []net.Listener
}

// Request is one request of a client.
type Request struct {
	Key, Version int16
	Client       string // its client.id
	rest         []byte // behind the client's id
}

// Watch shows f every request of the client with this id, from the goroutine of its
// connection. Where f says false the request is not passed on and the connection ends. It
// replaces the watcher before it; nil watches no more.
func (t *Tap) Watch(client string, f func(Request) (pass bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.watchers == nil {
		t.watchers = map[string]func(Request) bool{}
	}
	t.watchers[client] = f
}

// Decode reads the request.
func (r Request) Decode() (kmsg.Request, error) {
	req := kmsg.RequestForKey(r.Key)
	if req == nil {
		return nil, fmt.Errorf("there is no request with key %d", r.Key)
	}
	req.SetVersion(r.Version)
	body := kbin.Reader{Src: r.rest}
	if req.IsFlexible() {
		kmsg.SkipTags(&body)
	}
	return req, req.ReadFrom(body.Src)
}

// open lets clients reach a broker through the tap.
func (t *Tap) open(address, broker string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("open the tap before broker %s: %w", broker, err)
	}
	t.mu.Lock()
	t.listeners = append(t.listeners, l)
	t.mu.Unlock()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // closed
			}
			go t.serve(client, broker)
		}
	}()
	return nil
}

func (t *Tap) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.listeners {
		_ = l.Close()
	}
	t.listeners = nil
}

// lingers is how long a broker is listened to after its client has gone: a request that was
// passed on is to reach it as it would from the network's buffers.
const lingers = time.Second

func (t *Tap) serve(client net.Conn, broker string) {
	defer client.Close()
	server, err := net.Dial("tcp", broker)
	if err != nil {
		return // as if the broker had not answered
	}
	go func() {
		_, err := io.Copy(client, server)
		_ = client.Close()
		if err != nil {
			_, _ = io.Copy(io.Discard, server)
		}
	}()
	for t.passOn(client, server) {
	}
	time.AfterFunc(lingers, func() { _ = server.Close() })
}

// passOn takes one request and says whether another may follow.
func (t *Tap) passOn(client io.Reader, server io.Writer) bool {
	var length [4]byte
	if _, err := io.ReadFull(client, length[:]); err != nil {
		return false
	}
	frame := make([]byte, len(length)+int(binary.BigEndian.Uint32(length[:])))
	copy(frame, length[:])
	if _, err := io.ReadFull(client, frame[4:]); err != nil {
		return false
	}
	head := kbin.Reader{Src: frame[4:]}
	r := Request{Key: head.Int16(), Version: head.Int16()}
	_ = head.Int32() // the correlation id
	if id := head.NullableString(); id != nil {
		r.Client = *id
	}
	if r.rest = head.Src; !t.passes(r) {
		return false
	}
	_, err := server.Write(frame)
	return err == nil
}

func (t *Tap) passes(r Request) bool {
	t.mu.Lock()
	watch := t.watchers[r.Client]
	t.mu.Unlock()
	return watch == nil || watch(r)
}
