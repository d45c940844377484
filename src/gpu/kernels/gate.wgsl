// The gates of feed-forward layers are x * sigmoid(bend(x)) with one of two bends, on a type Gate.
fn sigmoid(x: Gate) -> Gate {
  // exp of numbers <= 0 only: it cannot overflow.
  let e = exp(-abs(x));
  return select(e, Gate(1.0), x >= Gate()) / (1.0 + e);
}
fn gate_of(x: Gate) -> Gate { return x * sigmoid(bend(x)); }
