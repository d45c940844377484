// Which of the numbers 4 i to 4 i + 3 lie in [first, end).
fn within(i: u32, first: u32, end: u32) -> vec4<bool> {
  let places = 4u * i + vec4u(0u, 1u, 2u, 3u);
  return (places >= vec4u(first)) & (places < vec4u(end));
}
