internal import Glibc
internal import Randomness

/// Standard normal numbers from a stream of uniform ones (Box and Muller 1958), two at a time.
struct GaussianSource {
    private var stream: RandomStream
    private var spare: Double?

    init(_ stream: RandomStream) { self.stream = stream }

    mutating func next() -> Double {
        if let value = spare {
            spare = nil
            return value
        }
        // 1 − u is in (0, 1], so the logarithm is finite.
        let radius = (-2 * log(1 - stream.uniform())).squareRoot()
        let angle = 2 * Double.pi * stream.uniform()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}
