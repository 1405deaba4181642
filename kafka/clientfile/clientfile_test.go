package clientfile_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gantry/internal/kafkatest"
	"gantry/kafka/clientfile"
)

// files are properties files with every trap of the grammar; Java reads the same ones
// where there is Java.
var files = []string{
	"", "\n\n", "# a comment\n! another \\\nnot=a continued comment", "a=b", "a = b", "a:b", "a b", "a\t\f b", "a", "a=", "=b", ":b", "a==b", "a= =b", "a = : b",
	"a=b \t", "  a=b", "a\\=b=c", "a\\:b:c", "a\\ b c", "a\\\\=b", "a=b\\\n  c", "a=b\\\r\n  c", "a=b\\\r  c", "a=b\\", "a=b\\\\", "a=b\\\n", "a=\\\n\\\n b", "a\\\n  =b",
	"a=\\u00e4\\uD83D\\uDE00\\u0041", "a=\\U0041", "a=\\t\\n\\r\\f\\q\\\"", "a=\xe4\xff", "a=b\ra2=c", "a=b\r\n\r\nc=d", "a=1\na=2", "a=b\\\n# no comment", "a=b\\\n\nc=d",
	"k\xc3\xa4y=v", "\\u0061=b", "a=b\\\n \\\n c", "a\x00b=c\x00d", "!", "#", "\\", "\\\n", "a\\", " \\\n a=b", "a=\u0085b", "a\xa0b=c",
	"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\\r\n  username=\"u\" \\\r\n  password=\"p\";\r\n",
}

var jaas = []string{
	`M required;`, `M REQUIRED a=b;`, `M required a="b c" d='e f';`, `M required a="\"\\\n\t\101\0\400";`, `M required a=b; N optional c=d;`,
	`M required a = "b" ;`, `com.example.M$Inner required user_name=x-y;`, `M /* c */ required // c`, `M required a=b // ;`, `M required a="/x";`, `M required a=/x;`,
	"", ";", "M", "M required", "M unknown;", "M required a;", "M required a=;", "M required a=1;", "M required a=-1;", "M required a=1b;", "M required a=b1.2;",
	`M required a="b`, `M required a="b;`, "M required a=\"b\nc\";", `"M" "required" "a"="b";`, `M required a=b c=d e=f`, `M required ä=ö;`, `M required a=.;`, `M required a=b@c;`,
	`M required password="p=w;o'r\d";`, `M required a="b"c="d";`, `M required a=b,c=d;`, "M\trequired\na=b\r\n;", `M required a="";`, `- required;`, `M required a=-;`,
}

func TestExpand(t *testing.T) {
	t.Parallel()
	from := clientfile.Sources{
		ReadFile: func(path string) ([]byte, error) {
			text, ok := map[string]string{"/s/a.properties": "k=v\nä=ö\nu=\\u00e4\n", "/d/name": "whole\n"}[filepath.ToSlash(path)]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return []byte(text), nil
		},
		LookupEnv: func(name string) (string, bool) { return "value of " + name, name != "UNSET" },
	}
	declared := "config.providers=file, env ,dir\nconfig.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\n" +
		"config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider\nconfig.providers.env.param.allowlist.pattern=[A-Z]+\n" +
		"config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider\nconfig.providers.dir.param.allowed.paths=/d, /e\n"
	for value, want := range map[string]string{
		"${file:/s/a.properties:k}":                "v",
		"<${file:/s/a.properties:k}${env:HOME}>":   "<vvalue of HOME>",
		"${file:/s/a.properties:\u00e4}":           "ö",
		"${file:/s/a.properties:u}":                "ä",
		"${dir:/d:name}":                           "whole\n",
		"${other:/d:name} $x {} ${}":               "${other:/d:name} $x {} ${}",
		"${file:/s/a.properties:none}":             "line 7: key: config provider file: /s/a.properties has no key none",
		"${file:/s/none:k}":                        "there is no file /s/none",
		"${env:UNSET}":                             "the variable UNSET is not set",
		"${env:lower}":                             "not in its allowlist.pattern",
		"${dir:/d:../s/a.properties}":              "is no name of a file",
		"${dir:/s:a.properties}":                   "not within its allowed.paths",
		"${dir:/d/../s:a.properties}":              "not within its allowed.paths",
		"${directory:/d:name}":                     `"directory", which config.providers does not declare`,
		"${file:/s/none:k} and ${env:UNSET}":       "the variable UNSET is not set",
		"${env:UNSET} and ${file:/s/none:k} twice": "there is no file /s/none",
	} {
		pairs, err := clientfile.Parse([]byte(declared))
		require.NoError(t, err)
		pairs = append(pairs, clientfile.Pair{Key: "key", Value: value, Line: 7})
		out, err := clientfile.Expand(pairs, from)
		if err != nil {
			require.ErrorContains(t, err, want, value)
			continue
		}
		require.Equal(t, want, out[len(out)-1].Value, value)
	}
}

// java asks Java: java.util.Properties and Kafka's own JaasContext read the same texts.
const java = `
import java.io.*; import java.util.*;
import org.apache.kafka.common.security.JaasContext;
import org.apache.kafka.common.config.types.Password;
public class Ask {
  static String q(String s) {
    StringBuilder b = new StringBuilder("\"");
    for (char c : s.toCharArray()) b.append(String.format("\\u%04x", (int) c));
    return b.append('"').toString();
  }
  static String map(Map<?, ?> m) {
    StringBuilder b = new StringBuilder("{");
    for (Map.Entry<?, ?> e : m.entrySet()) b.append(b.length() > 1 ? "," : "").append(q(e.getKey().toString())).append(':').append(q(e.getValue().toString()));
    return b.append('}').toString();
  }
  public static void main(String[] a) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      byte[] text = Base64.getDecoder().decode(line.substring(1));
      try {
        if (line.charAt(0) == 'p') {
          Properties p = new Properties();
          p.load(new ByteArrayInputStream(text));
          System.out.println("[" + map(p) + "]");
        } else {
          Map<String, Object> c = new HashMap<>();
          c.put("sasl.jaas.config", new Password(new String(text, "UTF-8")));
          StringBuilder b = new StringBuilder();
          var entry = JaasContext.loadClientContext(c).configurationEntries();
          for (var e : entry) b.append(b.length() > 0 ? "," : "").append("{\"Module\":" + q(e.getLoginModuleName()) + ",\"Options\":" + map(e.getOptions()) + "}");
          System.out.println("[" + b + "]");
        }
      } catch (Exception e) { System.out.println("null"); }
    }
  }
}
`

// TestJavaReadsTheSame holds both grammars to what Java does with the same bytes.
func TestJavaReadsTheSame(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for _, text := range files {
		fmt.Fprintln(&in, "p"+base64.StdEncoding.EncodeToString([]byte(text)))
	}
	for _, text := range jaas {
		fmt.Fprintln(&in, "j"+base64.StdEncoding.EncodeToString([]byte(text)))
	}
	answers, err := kafkatest.Java(t, kafkatest.JavaCall{Class: "Ask", Source: java, In: in.String()})
	require.NoError(t, err)
	lines := bufio.NewScanner(strings.NewReader(answers))
	for _, text := range files {
		require.True(t, lines.Scan())
		var want []map[string]string
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		pairs, err := clientfile.Parse([]byte(text))
		if want == nil {
			require.Error(t, err, "%q", text)
			continue
		}
		require.NoError(t, err, "%q", text)
		got := map[string]string{}
		for _, p := range pairs {
			got[p.Key] = p.Value
		}
		require.Equal(t, want[0], got, "%q", text)
	}
	for _, text := range jaas {
		require.True(t, lines.Scan())
		var want, got []clientfile.Login
		require.NoError(t, json.Unmarshal(lines.Bytes(), &want))
		got, err := clientfile.ParseJAAS(text)
		for i := range got {
			got[i].Flag = ""
		}
		if len(got) > 1 { // Kafka's client takes one module; more are read and then refused
			require.Nil(t, want, "%q", text)
			continue
		}
		require.Equal(t, want == nil, err != nil, "%q: Java has %v, error %v", text, want, err)
		if err == nil {
			require.Equal(t, want, got, "%q", text)
		}
	}
}

// FuzzProperties: whatever a file holds, it is read to its end; and what was read, written
// with every letter escaped, is read the same again.
func FuzzProperties(f *testing.F) {
	for _, text := range files {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		pairs, err := clientfile.Parse(text)
		last := 0
		var again strings.Builder
		for _, p := range pairs {
			require.Greater(t, p.Line, last)
			last = p.Line
			again.WriteString(escaped(p.Key) + "=" + escaped(p.Value) + "\n")
		}
		require.LessOrEqual(t, last, strings.Count(string(text), "\n")+strings.Count(string(text), "\r")+1)
		second, err2 := clientfile.Parse([]byte(again.String()))
		require.NoError(t, err2)
		for i := range second {
			second[i].Line = pairs[i].Line
		}
		require.Equal(t, pairs, second)
		if err == nil {
			_, _ = clientfile.Expand(pairs, clientfile.Sources{
				ReadFile:  func(string) ([]byte, error) { return text, nil },
				LookupEnv: func(string) (string, bool) { return "", false },
			})
		}
	})
}

func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(&b, "\\u%04x", 0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		fmt.Fprintf(&b, "\\u%04x", r)
	}
	return b.String()
}

// FuzzJAAS: whatever stands there is read, or refused without a word of it.
func FuzzJAAS(f *testing.F) {
	for _, text := range jaas {
		f.Add(text)
		f.Add("KafkaClient { " + text + " };")
	}
	f.Fuzz(func(t *testing.T, text string) {
		logins, err := clientfile.ParseJAAS(text)
		if err == nil {
			require.NotEmpty(t, logins)
			require.False(t, slices.ContainsFunc(logins, func(l clientfile.Login) bool { return l.Flag == "" || l.Options == nil }))
		}
	})
}
