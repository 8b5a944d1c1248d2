package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page of a browser, and all that it said and asked for.
type tab struct {
	*testing.T
	ctx context.Context

	mu    sync.Mutex
	said  []string // on the console, violations of its policy, exceptions, dialogs
	asked []string // over the network, and from files
}

var browser = sync.OnceValue(func() context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.Flag("disable-background-networking", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		panic(err)
	}
	return ctx
})

// violations makes the page tell of its policy what the console might not.
const violations = `addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))`

// action is something to do in a tab.
type action = chromedp.Action[chromedp.Void]

// command is a command of the browser's protocol, whose result nobody needs.
func command[P, R any](c cdp.Command[P, R], p P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, p)
		return err
	})
}

// early runs a script before those of each page.
func early(script string) action {
	return command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// open opens the report of an output: as a file, as people do.
func open(t *testing.T, output string, before ...action) *tab {
	file := filepath.Join(outputs[output], "report.html")
	return visit(t, "file://"+file, before...)
}

func visit(t *testing.T, url string, before ...action) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser())
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	b := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	b.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{}), early(violations))
	b.do(before...)
	b.do(chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("footer")))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if len(b.said) > 0 {
			t.Errorf("the page said: %q", b.said)
		}
		for _, u := range b.asked {
			if u != url && !strings.HasPrefix(u, "data:") {
				t.Errorf("the page asked for %s", u)
			}
		}
		if len(b.asked) == 0 {
			t.Error("no request was seen, not even that for the page")
		}
		stop()
		cancel()
	})
	return b
}

func (b *tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *network.EventWebSocketCreated:
		b.asked = append(b.asked, e.URL)
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			b.said = append(b.said, string(a.Value))
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.said = append(b.said, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		b.said = append(b.said, "dialog "+e.Message)
		go func() {
			_ = chromedp.Do(b.ctx, command(page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}))
		}()
	}
}

// do fails the test if an action fails.
func (b *tab) do(actions ...action) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](b *tab, expression string, options ...chromedp.EvaluateOption) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// exec runs statements in the page.
func js(b *tab, statements string) { b.Helper(); eval[bool](b, statements+"; true") }

func media(kind, scheme string) action {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

func dark() action  { return media("", "dark") }
func light() action { return media("", "light") }

func screen(width, height int64, scale float64, mobile bool) action {
	return command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale, Mobile: mobile})
}

func phone() action { return screen(360, 740, 2, true) }
func desk() action  { return screen(1280, 900, 1, false) }

func scripts(on bool) action {
	return command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// keep writes what was made to the folder SHOTS, if there is one, for people to look at.
func keep(t *testing.T, name string, what []byte) {
	if dir := os.Getenv("SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), what, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// shoot takes a picture of the whole page.
func (b *tab) shoot(name string) {
	if os.Getenv("SHOTS") == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.Fatal(err)
	}
	keep(b.T, name+".png", png)
}

// serve serves an output's folder on loopback, and counts what is asked for.
func serve(t *testing.T, output string) (url string, paths func() string) {
	var mu sync.Mutex
	var asked []string
	files := http.FileServer(http.Dir(outputs[output]))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() string {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(asked)
	}
}
