"""What Prometheus sees of WeChat. Paths are constants of ours, so the labels stay few."""

from prometheus_client import Counter, Gauge, Histogram

calls = Counter("wxapi_wechat_calls", "Calls to WeChat answered or given up", ["path", "outcome"])
call_seconds = Histogram(
    "wxapi_wechat_call_seconds",
    "Time of a call to WeChat",
    ["path"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
circuits_opened = Counter("wxapi_wechat_circuits_opened", "APIs given up for a while", ["path", "error_class"])
# A time and not a flag: it needs no process to take it back. Alert on `> time()`.
circuit_open_until = Gauge(
    "wxapi_wechat_circuit_open_until_seconds",
    "Unix time until which an API is not called",
    ["path"],
    multiprocess_mode="max",
)
