package pipeline

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	b := NewBudget(100)
	require.True(t, closed(b.room()))
	b.add(100)
	require.False(t, b.over(), "used up is not over")
	waiting := b.room()
	require.True(t, closed(waiting))
	b.add(1)
	require.True(t, b.over())
	waiting = b.room()
	require.False(t, closed(waiting))
	b.add(50)
	require.Equal(t, waiting, b.room(), "whoever waits is told once")
	b.add(-50)
	require.False(t, closed(waiting))
	b.add(-1)
	require.False(t, b.over())
	require.True(t, closed(waiting), "those who waited are told")
	require.True(t, closed(b.room()))
	b.add(20)
	require.False(t, closed(b.room()), "and wait again")
}

func TestNoBudget(t *testing.T) {
	t.Parallel()
	var b *Budget
	b.add(1 << 40)
	require.False(t, b.over())
	require.Nil(t, b.room())
}

// Mappings add and free from goroutines of their own; nobody is left waiting.
func TestBudgetOfManyMappings(t *testing.T) {
	t.Parallel()
	b := NewBudget(10)
	var mappings sync.WaitGroup
	for range 16 {
		mappings.Go(func() {
			for range 1000 {
				<-b.room()
				b.add(3)
				b.over()
				b.add(-3)
			}
		})
	}
	mappings.Wait()
	require.False(t, b.over())
	require.True(t, closed(b.room()))
	require.Zero(t, b.used)
}
