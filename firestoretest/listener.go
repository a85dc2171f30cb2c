package firestoretest

import (
	"net"
	"sync"
)

// listener knows its connections, and closes them when it is closed. gRPC would wait two minutes for a client
// that has connected, but not said anything.
type listener struct {
	net.Listener

	mu    sync.Mutex
	conns map[*listenerConn]bool // those that are open; nil when the listener is closed
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, conns: map[*listenerConn]bool{}}
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &listenerConn{conn, l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.conns[c] = true
	return c, nil
}

func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Conn.Close()
	}
	l.conns = nil
	return l.Listener.Close()
}

type listenerConn struct {
	net.Conn
	listener *listener
}

func (c *listenerConn) Close() error {
	c.listener.mu.Lock()
	defer c.listener.mu.Unlock()
	delete(c.listener.conns, c)
	return c.Conn.Close()
}
