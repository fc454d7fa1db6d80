internal import Glibc

/// Places for a network's nodes in the unit square: springs along edges, repulsion between all nodes (Fruchterman and
/// Reingold, 1991), from a spiral. The same network has the same picture.
struct SpringLayout {
    /// Where each node is, 0 … 1 both ways.
    let places: [(x: Double, y: Double)]

    init(nodes: Int, edges: [EpisodeReading.Edge]) {
        // Distances between all pairs at each of so many steps; large networks get fewer.
        let steps = nodes <= 100 ? 300 : nodes <= 400 ? 120 : 40
        let ideal = 1 / Double(max(nodes, 1)).squareRoot()
        var x = (0..<nodes).map {
            0.5 + 0.45 * Self.radius($0, nodes) * cos(Double($0) * 2.399_963_229_728_653)
        }
        var y = (0..<nodes).map {
            0.5 + 0.45 * Self.radius($0, nodes) * sin(Double($0) * 2.399_963_229_728_653)
        }
        for step in 0..<steps {
            let reach = 0.1 * (1 - Double(step) / Double(steps)) + 0.001
            var (pushX, pushY) = ([Double](repeating: 0, count: nodes), [Double](repeating: 0, count: nodes))
            for one in 0..<nodes {
                for other in 0..<one {
                    let (dx, dy) = (x[one] - x[other], y[one] - y[other])
                    let force = ideal * ideal / max(dx * dx + dy * dy, 1e-6)
                    pushX[one] += dx * force
                    pushY[one] += dy * force
                    pushX[other] -= dx * force
                    pushY[other] -= dy * force
                }
            }
            for edge in edges {
                let (dx, dy) = (x[edge.from] - x[edge.to], y[edge.from] - y[edge.to])
                let force = (dx * dx + dy * dy).squareRoot() / ideal
                pushX[edge.from] -= dx * force
                pushY[edge.from] -= dy * force
                pushX[edge.to] += dx * force
                pushY[edge.to] += dy * force
            }
            for node in 0..<nodes {
                let length = (pushX[node] * pushX[node] + pushY[node] * pushY[node]).squareRoot()
                guard length > 0 else { continue }
                let way = min(length, reach) / length
                x[node] += pushX[node] * way
                y[node] += pushY[node] * way
            }
        }
        (x, y) = (Self.fitted(x), Self.fitted(y))
        places = zip(x, y).map { ($0, $1) }
    }

    private static func radius(_ node: Int, _ nodes: Int) -> Double {
        (Double(node + 1) / Double(max(nodes, 1))).squareRoot()
    }

    private static func fitted(_ values: [Double]) -> [Double] {
        guard let low = values.min(), let high = values.max(), high > low else {
            return values.map { _ in 0.5 }
        }
        return values.map { ($0 - low) / (high - low) }
    }
}
