// Package echov5 tries echofirestore's store with Echo v5 and its echo-contrib/session.
package echov5
