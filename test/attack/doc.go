// Package attack tries what a hostile caller, file or function would try, against the
// real binary, and shows that each attempt is refused.
package attack
