-- Posts prepared bodies in turn, one a line of a file; prints what was measured as JSON. For wrk.
local bodies, sent = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    bodies[#bodies + 1] = line
  end
end

function request()
  sent = sent % #bodies + 1
  return wrk.format("POST", nil, nil, bodies[sent])
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    '{"answers": %d, "errors": %d, "seconds": %f, "milliseconds": {"p50": %f, "p99": %f}}\n',
    summary.requests, errors.status + failed, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
