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
	if err := chromedp.Run(ctx); err != nil {
		panic(err)
	}
	return ctx
})

// violations makes the page tell of its policy what the console might not.
const violations = `addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))`

// open opens the report of an output: as a file, as people do.
func open(t *testing.T, output string, before ...chromedp.Action) *tab {
	file := filepath.Join(outputs[output], "report.html")
	return visit(t, "file://"+file, before...)
}

func visit(t *testing.T, url string, before ...chromedp.Action) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser())
	ctx, stop := context.WithTimeout(ctx, 2*time.Minute)
	b := &tab{T: t, ctx: ctx}
	chromedp.ListenTarget(ctx, b.hear)
	b.do(network.Enable(), log.Enable(), runtime.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(violations).Do(ctx)
		return err
	}))
	b.do(before...)
	b.do(chromedp.Navigate(url), chromedp.WaitReady("footer"))
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
		b.said = append(b.said, e.ExceptionDetails.Error())
	case *log.EventEntryAdded:
		b.said = append(b.said, e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		b.said = append(b.said, "dialog "+e.Message)
		go func() { _ = chromedp.Run(b.ctx, page.HandleJavaScriptDialog(false)) }()
	}
}

// do fails the test if an action fails.
func (b *tab) do(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval is the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	var v T
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

func dark() chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}})
}

func light() chromedp.Action {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}})
}

func phone() chromedp.Action { return emulation.SetDeviceMetricsOverride(360, 740, 2, true) }
func desk() chromedp.Action  { return emulation.SetDeviceMetricsOverride(1280, 900, 1, false) }

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
	var png []byte
	if os.Getenv("SHOTS") != "" {
		b.do(chromedp.FullScreenshot(&png, 100))
		keep(b.T, name+".png", png)
	}
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

func awaited(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
