// WGSL guarantees sin and cos only to 2^-11 and only within [-pi, pi]; the logits would show the
// error. Hence Cody-Waite reduction to [-pi/4, pi/4], and the polynomials of Cephes' sinf and cosf.
fn cos_sin(angle: f32) -> vec2f {
  let quarter = round(angle * 0.6366197723675814);
  var r = fma(quarter, -1.5703125, angle);
  r = fma(quarter, -4.837512969970703125e-4, r);
  r = fma(quarter, -7.54978995489188216e-8, r);
  let z = r * r;
  let s = fma(fma(fma(-1.9515295891e-4, z, 8.3321608736e-3), z, -1.6666654611e-1), z * r, r);
  let c = fma(
    fma(fma(2.443315711809948e-5, z, -1.388731625493765e-3), z, 4.166664568298827e-2),
    z * z,
    fma(-0.5, z, 1.0),
  );
  let q = u32(i32(quarter)) & 3u;
  let cosine = select(c, s, (q & 1u) == 1u);
  let sine = select(s, c, (q & 1u) == 1u);
  return vec2f(
    select(cosine, -cosine, q == 1u || q == 2u),
    select(sine, -sine, q >= 2u),
  );
}
