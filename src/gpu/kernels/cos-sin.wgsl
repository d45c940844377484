// WGSL guarantees sin and cos only to 2^-11 and only within [-pi, pi]; the logits would show the
// error. Hence Cody-Waite reduction to [-pi/4, pi/4], and the polynomials of Cephes' sinf and cosf.
struct Turn { cosine: Element, sine: Element }

fn turn_by(angle: Element) -> Turn {
  let quarter = round(angle * 0.6366197723675814);
  var r = fma(quarter, Element(-1.5703125), angle);
  r = fma(quarter, Element(-4.837512969970703125e-4), r);
  r = fma(quarter, Element(-7.54978995489188216e-8), r);
  let z = r * r;
  let s2 = fma(Element(-1.9515295891e-4), z, Element(8.3321608736e-3));
  let s = fma(fma(s2, z, Element(-1.6666654611e-1)), z * r, r);
  let c2 = fma(Element(2.443315711809948e-5), z, Element(-1.388731625493765e-3));
  let c = fma(fma(c2, z, Element(4.166664568298827e-2)), z * z, fma(Element(-0.5), z, Element(1.0)));
  let q = Places(Integers(quarter)) & Places(3u);
  let odd = (q & Places(1u)) == Places(1u);
  let cosine = select(c, s, odd);
  let sine = select(s, c, odd);
  return Turn(
    select(cosine, -cosine, ((q + 1u) & Places(2u)) == Places(2u)),
    select(sine, -sine, q >= Places(2u)),
  );
}
