-- wrk's script: asks the questions of the file QUESTIONS (one JSON body a line) in turn, prints one JSON line at the end.
local bodies = {}
for line in io.lines(os.getenv("QUESTIONS")) do
  bodies[#bodies + 1] = line
end
local at = 0

function request()
  at = at % #bodies + 1
  return wrk.format("POST", "/v1/chat", { ["Content-Type"] = "application/json" }, bodies[at])
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "failed": %d, "p50_ms": %f, "p95_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3))
end
