/// The toy simulator of `action`: a walk on a 5 × 5 grid from a start to a goal, deterministic.
struct GridWalk: Equatable {
    static let size = 5
    /// East, west, north, south.
    static let moves = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    static let actionsMax = 12

    var x: Int
    var y: Int
    let goalX: Int
    let goalY: Int

    init(x: Int, y: Int, goalX: Int, goalY: Int) {
        (self.x, self.y, self.goalX, self.goalY) = (x, y, goalX, goalY)
    }

    /// Reads an item's payload: four bytes, each below 5.
    init?(payload: [UInt8]) {
        guard payload.count == 4, payload.allSatisfy({ $0 < UInt8(GridWalk.size) }) else { return nil }
        self.init(x: Int(payload[0]), y: Int(payload[1]), goalX: Int(payload[2]), goalY: Int(payload[3]))
    }

    var isDone: Bool { x == goalX && y == goalY }

    /// Which of nine situations the walker is in: the signs of the way left.
    var situation: Int { 3 * ((goalX - x).signum() + 1) + (goalY - y).signum() + 1 }

    /// Moves one cell; a move off the grid stays.
    mutating func act(_ action: Int) {
        let (dx, dy) = GridWalk.moves[action]
        x = min(max(x + dx, 0), GridWalk.size - 1)
        y = min(max(y + dy, 0), GridWalk.size - 1)
    }

    /// 1 if the actions end at the goal, else less by the distance left.
    func score(_ actions: [Int]) -> Double {
        var walk = self
        for action in actions { walk.act(action) }
        let distance = abs(walk.goalX - walk.x) + abs(walk.goalY - walk.y)
        return 1 - Double(distance) / Double(2 * GridWalk.size)
    }
}
