/**
 * A hostile program in one process: everything that it tries must fail. What takes a process of its own,
 * or waits for a time limit, runs only if PONDER_LIVECODEBENCH is set.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { PythonSandbox } from './sandbox.ts';

const sandbox = new PythonSandbox({ seconds: 20, memoryBytes: 2 ** 28 });
afterAll(() => sandbox.close());
const outcome = (code: string, options = sandbox): Promise<unknown> =>
  options.run({ code, inputs: ['1'], outputs: ['nothing'], function: null });

/** Each attempt returns something only if it reaches what it should not. */
const attempts = (port: number): string => `
import sys, os, gc
here = [sys.modules[n] for n in list(sys.modules) if n.startswith(('_pyodide', 'pyodide'))]
proxies = [o for o in gc.get_objects() if 'JsProxy' in type(o).__name__]
proxies += [v for o in here for v in getattr(o, '__dict__', {}).values() if 'JsProxy' in type(v).__name__]
finders = [f for f in sys.meta_path if hasattr(f, 'jsproxies')]
proxies += [v for f in finders for v in f.jsproxies.values()]
assert proxies, 'the attempts below need objects of JavaScript'

def constructors():
    for proxy in proxies:
        yield proxy.constructor.constructor
        yield proxy.constructor.constructor.constructor

def code_from_strings():
    for make in constructors():
        try:
            return make('return 1')()
        except Exception:
            pass

def node_objects():
    for proxy in proxies:
        for name in ('process', 'require', 'fetch', 'Worker', 'XMLHttpRequest', 'WebSocket', 'eval'):
            if hasattr(proxy, name):
                return name

def node_files():
    import importlib
    finders[0].jsproxies
    del sys.modules['pyodide_js']
    js = importlib.import_module('pyodide_js')
    js.FS.mkdir('/host')
    js.FS.mount(js.FS.filesystems.NODEFS, js.FS.filesystems.MEMFS.constructor.new(), '/host')
    return os.listdir('/host')

def node_import():
    del sys.modules['pyodide_js']
    import pyodide_js
    return pyodide_js._api.loadScript('node:fs')

def package():
    del sys.modules['pyodide_js']
    import pyodide_js
    return pyodide_js.loadPackage('http://127.0.0.1:${port}/x.whl')

def file():
    import _io
    return _io.open('/etc/passwd').read()

def folder():
    return [n for n in os.listdir('/') if n in ('etc', 'root', 'work', 'Users', 'usr')]

def environment():
    return os.environ.get('PATH', '').replace('/', '')

def request():
    import urllib.request
    return urllib.request.urlopen('http://127.0.0.1:${port}/').read()

def socket():
    import socket
    s = socket.create_connection(('127.0.0.1', ${port}), 1)
    s.send(b'GET / HTTP/1.0\\r\\n\\r\\n')
    return s.recv(10)

def websocket():
    from pyodide.http import pyfetch
    return pyfetch('http://127.0.0.1:${port}/').send(None)

def process():
    import _posixsubprocess
    return _posixsubprocess.fork_exec([b'/bin/true'], [b'/bin/true'], True, (), None, None, -1, -1, -1, -1, -1, -1, -1, -1, False, False, -1, None, None, None, -1, None)

def fork():
    import posix
    return posix.fork()

def spawn():
    import posix
    return posix.system('true') == 0

def memory():
    return len(bytearray(2 ** 29))

got = []
for attempt in (code_from_strings, node_objects, node_files, node_import, package, file, folder,
                environment, request, socket, websocket, process, fork, spawn, memory):
    try:
        result = attempt()
    except BaseException as error:
        result = None
    if result and 'Promise' not in type(result).__name__ and 'Future' not in type(result).__name__:
        got.append(attempt.__name__)
print(*got or ['nothing'])
`;

it('lets nothing out', async () => {
  let requests = 0;
  const server = createServer((_, response) => {
    requests++;
    response.end('secret');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const code = attempts((server.address() as AddressInfo).port);
    expect(await outcome(code)).toEqual([true]);
    expect(requests).toBe(0);
  } finally {
    server.close();
  }
});

describe.runIf(process.env['PONDER_LIVECODEBENCH'] !== undefined)('hangs nothing', () => {
  const short = new PythonSandbox({ seconds: 1, memoryBytes: 2 ** 28 });
  afterAll(() => short.close());
  it.each([
    [
      'an endless loop that swallows the alarm',
      'while True:\n  try:\n    while True: pass\n  except BaseException: pass',
      [-2],
    ],
    ['a number of ten billion digits', 'print(2 ** 10 ** 10)', [-3]],
    // No alarm is heard in it; the process is killed.
    ['an endless loop in C', 'import itertools\nsum(itertools.repeat(0))', [-2]],
    ['a regular expression that backtracks', "import re\nre.match('(a+)+$', 'a' * 64 + 'b')", [-3]],
    ['memory without end', 'x = []\nwhile True: x.append(bytearray(10 ** 7))', [-4]],
    ['a list of four gigabytes', 'x = [0] * 2 ** 30', [-4]],
    ['a fork bomb', 'import os\nwhile True: os.fork()', [-4]],
    ['a crash of the interpreter', 'import ctypes\nctypes.string_at(0xffffffff)', [-2]],
    [
      'JavaScript by a C function',
      'import ctypes\nctypes.CDLL(None).emscripten_run_script(b"1")\nprint("nothing")',
      [-2],
    ],
    ['the end of the process', 'import os\nos.abort()', [-2]],
    ['no builtins', 'import builtins\nbuiltins.__dict__.clear()', [-2]],
  ])('%s', async (_, code, verdicts) => {
    expect(await outcome(code, short)).toEqual(verdicts);
  });
  it('and the next program runs', async () => {
    expect(await outcome("print('nothing')", short)).toEqual([true]);
  });
});
