"""Runs a command on a terminal of its own and types on it: argv is rows, columns and a JSON list of [wait for this text, then type this]; then the command.

Prints what the command wrote, its exit status and whether the terminal was left as it was found, as JSON.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

rows, columns, script = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
pid, terminal = pty.fork()
if pid == 0:
    time.sleep(0.2)
    os.execvp(sys.argv[4], sys.argv[4:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
before = termios.tcgetattr(terminal)
written = ""
seen = 0
end = time.time() + float(os.environ.get("SECONDS_AT_MOST", "120"))
raw = False
while time.time() < end:
    if script and (found := written.find(script[0][0], seen)) >= 0:
        seen = found + len(script[0][0])
        keys = script.pop(0)[1]
        if isinstance(keys, list):
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", keys[0], keys[1], 0, 0))
        else:
            os.write(terminal, keys.encode())
        continue
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    raw = raw or not termios.tcgetattr(terminal)[3] & termios.ICANON
    try:
        data = os.read(terminal, 65536)
    except OSError:
        break
    if not data:
        break
    written += data.decode("utf-8", "replace")
    after = termios.tcgetattr(terminal)
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
print(json.dumps({"written": written, "exit": os.waitstatus_to_exitcode(status), "raw": raw, "restored": after[3] == before[3], "left": script}))
