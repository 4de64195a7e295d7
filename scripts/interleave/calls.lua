-- What wrk asks of the endpoint: the same plain call again and again, on connections that are kept.
-- Its last line is a JSON object. With an argument, each answer must have that text in it.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"messages":[{"role":"user","content":"7"}]}'

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wrong = 0
  if args[1] then
    -- Only where it is asked for: it is called for each reply, and costs.
    function response(status, headers, body)
      if status ~= 200 or not string.find(body, args[1], 1, true) then wrong = wrong + 1 end
    end
  end
end

function done(summary, latency, requests)
  local errors, wrong = summary.errors, 0
  for _, thread in ipairs(threads) do wrong = wrong + thread:get("wrong") end
  io.write(string.format(
    '{"calls":%d,"duration_us":%d,"wrong":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, wrong,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
