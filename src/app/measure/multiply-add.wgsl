// Eight independent chains of multiply-adds, 16 links in a round; no memory but the last store.
// E is f32, vec4f, vec2h or vec4h, with elements of type T. All chains enter what is stored.

struct Params { rounds: u32 }

@group(0) @binding(0) var<storage, read_write> out: array<E>;
@group(1) @binding(0) var<uniform> p: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let x = E(T(id.x % 64u));
  let a = x * T(0.0001) + T(0.9);
  let b = x * T(0.001) + T(0.1);
  var c0 = x;
  var c1 = x + b;
  var c2 = x + a;
  var c3 = x - a;
  var c4 = x - b;
  var c5 = x * a;
  var c6 = x * b;
  var c7 = a * b;
  for (var round = 0u; round < p.rounds; round++) {
    //$LINKS
  }
  out[id.x] = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
}
