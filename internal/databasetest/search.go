package databasetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// searchMain runs one node of OpenSearch. Its distribution is in no registry, but the server
// it is made of is, and its HTTP module.
const searchMain = `
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

public class Search extends Node {
	Search(Settings s) {
		super(InternalSettingsPreparer.prepareEnvironment(s, Map.of(), null, () -> "node"), List.of(Netty4Plugin.class), false);
	}

	public static void main(String[] args) throws Exception {
		new Search(Settings.builder()
			.put("path.home", args[1]).put("cluster.name", "tests").put("node.name", "node").put("discovery.type", "single-node")
			.put("network.host", "127.0.0.1").put("http.type", "netty4").put("http.port", args[0]).put("transport.type", "netty4").put("transport.port", "0")
			.put("cluster.routing.allocation.disk.threshold_enabled", false)
			.build()).start();
		System.out.println("up");
		Thread.currentThread().join();
	}
}
`

// Search is a server of OpenSearch, one node of it, without its security plugin.
type Search struct {
	URL string

	t    testing.TB
	args []string
	log  string
	proc *exec.Cmd
}

// StartSearch starts one, and skips the test where it can't be had.
func StartSearch(t testing.TB) *Search {
	t.Helper()
	jars := Jars(t, "opensearch", "org.opensearch:opensearch:2.19.6", "org.opensearch.plugin:transport-netty4-client:2.19.6", "org.apache.logging.log4j:log4j-core:2.25.4")
	dir, port := t.TempDir(), freePort(t)
	source := filepath.Join(dir, "Search.java")
	if err := os.WriteFile(source, []byte(searchMain), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &Search{URL: fmt.Sprintf("http://127.0.0.1:%d", port), t: t, log: filepath.Join(dir, "log")}
	s.args = []string{"-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", jars + "/*", source, fmt.Sprint(port), filepath.Join(dir, "home")}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server and waits until it takes requests.
func (s *Search) Start() {
	s.t.Helper()
	s.proc = Java(s.t, s.args...)
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.proc.Stderr = log
	out, err := s.proc.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.proc.Start(); err != nil {
		s.t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for line := ""; line != "up\n"; {
		if line, err = lines.ReadString('\n'); err != nil {
			s.Kill()
			said, _ := os.ReadFile(s.log)
			s.t.Fatalf("OpenSearch does not start: %v\n%s", err, said)
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }() // it ends with the process
}

// Kill ends the server at once, as a crash would.
func (s *Search) Kill() {
	if s.proc == nil {
		return
	}
	_ = s.proc.Process.Kill()
	_ = s.proc.Wait()
	s.proc = nil
}

// Do sends a request that succeeds and gives what it answered.
func (s *Search) Do(method, path, body string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %v %s", method, path, resp.Status, err, answer)
	}
	return answer
}

// Docs gives the documents of an index by id, 10,000 at most.
func (s *Search) Docs(index string) map[string]Doc {
	s.t.Helper()
	s.Do(http.MethodPost, "/"+index+"/_refresh", "")
	var found struct {
		Hits struct {
			Hits []struct {
				ID      string          `json:"_id"`
				Version int64           `json:"_version"`
				Source  json.RawMessage `json:"_source"`
			}
		}
	}
	if err := json.Unmarshal(s.Do(http.MethodGet, "/"+index+"/_search?version=true&size=10000", ""), &found); err != nil {
		s.t.Fatal(err)
	}
	docs := map[string]Doc{}
	for _, h := range found.Hits.Hits {
		docs[h.ID] = Doc{Version: h.Version, Source: string(h.Source)}
	}
	return docs
}
