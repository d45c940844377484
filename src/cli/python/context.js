/**
 * What Pyodide finds in its V8 context: nothing of Node, only the few things it asks a JavaScript shell for.
 * The value of this script is what the process outside calls. Only strings, numbers and bytes come in, and
 * only strings go out, so that no object of Node is within reach of a program.
 */
'use strict';
(() => {
  const files = new Map();
  const PAGE = 65536;

  // Pyodide takes a context with these three for a shell.
  globalThis.read = (name) => utf8(files.get(baseName(name)));
  globalThis.readbuffer = (name) => files.get(baseName(name)).slice().buffer;
  globalThis.load = () => {
    throw new Error('no files');
  };
  globalThis.console = { log() {}, warn() {}, error() {}, assert() {} };
  globalThis.performance = { now: () => Date.now(), timeOrigin: 0 };
  globalThis.setTimeout = (task) => void Promise.resolve().then(task);
  globalThis.clearTimeout = () => {};
  globalThis.TextDecoder = class {
    decode(bytes = new Uint8Array()) {
      return utf8(bytes);
    }
  };
  globalThis.TextEncoder = class {
    encode(text) {
      return Uint8Array.from(unescape(encodeURIComponent(text)), (c) => c.charCodeAt(0));
    }
  };
  // A shell's source of random bytes: `head -cN /dev/urandom | base64`.
  globalThis.os = {
    system(_, [, command]) {
      const bytes = Number(/head -c(\d+)/.exec(command)[1]);
      const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
      let text = '';
      while (text.length < Math.ceil((bytes * 4) / 3)) text += letters[(Math.random() * 64) | 0];
      return text.padEnd(4 * Math.ceil(bytes / 3), '=');
    },
  };

  function baseName(path) {
    return path.slice(path.lastIndexOf('/') + 1);
  }

  function utf8(bytes) {
    let text = '';
    for (let i = 0; i < bytes.length; i += 8192) {
      text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192));
    }
    try {
      return decodeURIComponent(escape(text));
    } catch {
      return text;
    }
  }

  /** Memory grows up to the limit; then Python raises MemoryError. */
  function limitMemory(bytes) {
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      if (this.buffer.byteLength + pages * PAGE > bytes) throw new RangeError('memory limit');
      return grow.call(this, pages);
    };
  }

  let deadline = Infinity;
  const alarm = (seconds) => {
    deadline = seconds > 0 ? Date.now() + 1000 * seconds : Infinity;
  };
  const SIGALRM = 14;
  /** Pyodide reads element 0 between byte codes: the signal to raise, or 0. */
  const signals = {
    get 0() {
      if (Date.now() < deadline) return 0;
      deadline = Infinity;
      return SIGALRM;
    },
    set 0(_) {},
  };

  return {
    /** `latin1` has one character a byte. */
    addFile(name, latin1) {
      const bytes = new Uint8Array(latin1.length);
      for (let i = 0; i < bytes.length; i++) bytes[i] = latin1.charCodeAt(i);
      files.set(name, bytes);
    },
    /** Starts Python and gives `grade(task: string): string`. */
    async start(loadPyodide, createPyodideModule, graderSource, memoryBytes) {
      limitMemory(memoryBytes);
      const python = await loadPyodide({
        createPyodideModule,
        indexURL: '/',
        jsglobals: {},
        stdout() {},
        stderr() {},
        stdin: () => null,
      });
      python.globals.set('alarm', alarm);
      python.runPython(graderSource);
      python.runPython(
        'import sys\nfor name in ("js", "pyodide_js"):\n' + '    sys.modules[name] = None\n',
      );
      python.setInterruptBuffer(signals);
      const grade = python.globals.get('grade');
      return (task) => String(grade(task));
    },
  };
})();
