package main

import "github.com/spf13/cobra"

func demoCommand(streams) *cobra.Command { return &cobra.Command{Use: "demo", Hidden: true} }
