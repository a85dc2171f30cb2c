package main

import (
	"io"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// newLogger returns a logger for people or, on Cloud Run, one for Cloud Logging: JSON whose fields have the names that
// Cloud Logging knows (https://cloud.google.com/logging/docs/structured-logging).
func newLogger(w io.Writer, cloud bool) *slog.Logger {
	if !cloud {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: toCloudLogging}))
}

func toCloudLogging(groups []string, attr slog.Attr) slog.Attr {
	switch {
	case len(groups) > 0:
	case attr.Key == slog.MessageKey:
		attr.Key = "message"
	case attr.Key == slog.LevelKey:
		attr.Key = "severity"
		if attr.Value.Any() == slog.LevelWarn {
			attr.Value = slog.StringValue("WARNING")
		}
	}
	return attr
}

// logRequests logs each request when it has been answered, with what it cost. No query, cookie or address is logged.
func logRequests(logger *slog.Logger) echo.MiddlewareFunc {
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogMethod:    true,
		LogURIPath:   true,
		LogStatus:    true,
		LogLatency:   true,
		LogRequestID: true,
		LogError:     true,
		HandleError:  true, // the status is that of the error page
		LogValuesFunc: func(c echo.Context, v middleware.RequestLoggerValues) error {
			ctx := c.Request().Context()
			level := slog.LevelInfo
			attrs := []slog.Attr{
				slog.String("method", v.Method),
				slog.String("path", v.URIPath),
				slog.Int("status", v.Status),
				slog.String("latency", v.Latency.String()),
				slog.String("request_id", v.RequestID),
				slog.String("firestore", costOf(ctx).String()),
			}
			if v.Error != nil {
				attrs = append(attrs, slog.Any("error", v.Error))
			}
			if v.Status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			logger.LogAttrs(ctx, level, "request", attrs...)
			return nil
		},
	})
}

// recoverPanics turns a panic into an error, for which there is a page, and logs where it happened.
func recoverPanics(logger *slog.Logger) echo.MiddlewareFunc {
	return middleware.RecoverWithConfig(middleware.RecoverConfig{
		DisableStackAll:     true,
		DisableErrorHandler: true, // logRequests calls it
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			logger.LogAttrs(c.Request().Context(), slog.LevelError, "panic",
				slog.Any("error", err), slog.String("stack", string(stack)))
			return err
		},
	})
}
