internal import Glibc
package import Randomness
internal import Tensors

/// The centres of groups of macrostates.
package struct Centroids: Sendable, Equatable {
    /// m.
    package let width: Int
    /// `[G, m]`.
    package var values: [Float]

    /// G.
    package var count: Int { values.count / width }

    /// Gathers centres.
    package init(width: Int, values: [Float]) {
        precondition(
            width > 0 && values.count % width == 0,
            "Centroids: \(values.count) values of width \(width)"
        )
        self.width = width
        self.values = values
    }

    /// The nearest centre of each point; of several equally near the first.
    ///
    /// - Parameter points: `[N, m]`.
    /// - Returns: N groups, 0 ..< G.
    package func assign(_ points: [Float]) -> [Int32] { distances(points).nearest }

    /// The nearest centre of each point and the squared distance to it.
    package func distances(_ points: [Float]) -> (nearest: [Int32], squares: [Float]) {
        precondition(points.count % width == 0, "Centroids: \(points.count) values of width \(width)")
        let rows = points.count / width
        var nearest = [Int32](repeating: 0, count: rows)
        var squares = [Float](repeating: 0, count: rows)
        let norms = (0..<count).map { group -> Float in
            values[group * width..<(group + 1) * width].reduce(0) { $0 + $1 * $1 }
        }
        let centres = Tensor(shape: [count, width], values: values)
        let workspace = Workspace()
        var first = 0
        while first < rows {
            let part = first..<min(first + 4096, rows)
            let x = Tensor(
                shape: [part.count, width],
                values: Array(points[part.lowerBound * width..<part.upperBound * width])
            )
            // |x − c|² = |x|² − 2 x·c + |c|²
            let product = Tape(recording: false, workspace: workspace).linear(x, centres)
            defer { withExtendedLifetime(product) {} }
            let products = product.values
            for row in 0..<part.count {
                var (best, group) = (Float.infinity, 0)
                for index in 0..<count {
                    let value = norms[index] - 2 * products[row * count + index]
                    if value < best { (best, group) = (value, index) }
                }
                let own = (row * width..<(row + 1) * width).reduce(Float(0)) {
                    $0 + x.values[$1] * x.values[$1]
                }
                nearest[first + row] = Int32(group)
                squares[first + row] = max(0, best + own)
            }
            first = part.upperBound
        }
        return (nearest, squares)
    }
}

/// Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii 2007).
package enum KMeans {
    /// Fits groups to points.
    ///
    /// - Parameters:
    ///   - points: `[N, m]`, at least one point for each group.
    ///   - width: m.
    ///   - groups: G.
    ///   - restarts: How many starts; the fit with the least sum of squared distances is taken.
    ///   - iterations: The most rounds of one fit; it ends earlier where nothing changes.
    ///   - stream: The starts' random numbers.
    package static func fit(
        _ points: [Float],
        width: Int,
        groups: Int,
        restarts: Int = 3,
        iterations: Int = 25,
        stream: inout RandomStream
    ) -> Centroids {
        precondition(
            groups > 0 && points.count >= groups * width,
            "KMeans: \(points.count / width) points, \(groups) groups"
        )
        var best: (inertia: Double, centroids: Centroids)?
        for _ in 0..<max(restarts, 1) {
            var centroids = start(points, width, groups, &stream)
            var (nearest, squares) = centroids.distances(points)
            for _ in 0..<iterations {
                centroids.move(to: points, groups: nearest)
                let next = centroids.distances(points)
                squares = next.squares
                if next.nearest == nearest { break }
                nearest = next.nearest
            }
            let inertia = squares.reduce(0.0) { $0 + Double($1) }
            if inertia < best?.inertia ?? .infinity || best == nil { best = (inertia, centroids) }
        }
        return best?.centroids ?? Centroids(width: width, values: Array(points.prefix(groups * width)))
    }

    /// k-means++: each next centre is a point drawn in proportion to its squared distance from the nearest centre so far.
    private static func start(
        _ points: [Float],
        _ width: Int,
        _ groups: Int,
        _ stream: inout RandomStream
    ) -> Centroids {
        let rows = points.count / width
        func point(_ row: Int) -> ArraySlice<Float> { points[row * width..<(row + 1) * width] }
        var centroids = Centroids(width: width, values: Array(point(stream.below(rows))))
        var squares = centroids.distances(points).squares
        while centroids.count < groups {
            let total = squares.reduce(0.0) { $0 + Double($1) }
            var chosen = rows - 1
            if total > 0 {
                var left = stream.uniform() * total
                for row in 0..<rows {
                    left -= Double(squares[row])
                    if left < 0 {
                        chosen = row
                        break
                    }
                }
            } else {
                chosen = stream.below(rows)
            }
            let next = Centroids(width: width, values: Array(point(chosen)))
            for (row, square) in next.distances(points).squares.enumerated() {
                squares[row] = min(squares[row], square)
            }
            centroids.values += next.values
        }
        return centroids
    }
}

extension Centroids {
    /// Moves each centre to the mean of its points; one without points stays.
    package mutating func move(to points: [Float], groups: [Int32]) {
        let sums = GroupSums(points, width: width, groups: groups, count: count)
        move(to: sums)
    }

    /// Moves each centre to a mean given as sums and counts; one without points stays.
    package mutating func move(to sums: GroupSums) {
        for group in 0..<count where sums.counts[group] > 0 {
            for column in 0..<width {
                values[group * width + column] = Float(
                    sums.sums[group * width + column] / Double(sums.counts[group])
                )
            }
        }
    }
}

/// Sums and counts of the points of groups: what may be added up over members.
package struct GroupSums: Sendable, Equatable {
    /// `[G, m]`.
    package var sums: [Double]
    /// G counts.
    package var counts: [Int]

    /// Sums points by group.
    package init(_ points: [Float], width: Int, groups: [Int32], count: Int) {
        sums = [Double](repeating: 0, count: count * width)
        counts = [Int](repeating: 0, count: count)
        for (row, group) in groups.enumerated() {
            counts[Int(group)] += 1
            for column in 0..<width {
                sums[Int(group) * width + column] += Double(points[row * width + column])
            }
        }
    }

    /// Adds another member's.
    package static func += (left: inout GroupSums, right: GroupSums) {
        for index in left.sums.indices { left.sums[index] += right.sums[index] }
        for index in left.counts.indices { left.counts[index] += right.counts[index] }
    }
}
