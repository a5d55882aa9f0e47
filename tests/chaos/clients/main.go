// The client of Go: says when it is connected and when it is not.
package main

import (
	"fmt"
	"os"

	"github.com/zishang520/socket.io/clients/engine/v3/transports"
	"github.com/zishang520/socket.io/clients/socket/v3"
	"github.com/zishang520/socket.io/v3/pkg/types"
)

func main() {
	options := socket.DefaultOptions()
	options.SetPath("/ws/socket.io")
	options.SetTransports(types.NewSet(transports.WebSocket))
	options.SetAuth(map[string]any{"token": os.Args[2]})
	client, err := socket.Connect(os.Args[1], options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client.On("connect", func(...any) { fmt.Println("connect") })
	client.On("disconnect", func(...any) { fmt.Println("disconnect") })
	select {}
}
