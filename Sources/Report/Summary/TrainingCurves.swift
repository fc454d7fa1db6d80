/// What clients measured step by step, put together for charts: by client and figure at most so many points, each the
/// mean of neighbouring steps.
///
/// However many steps are added, it needs memory for its points alone.
package struct TrainingCurves: Sendable, Equatable {
    /// How many points a line has at most.
    static let pointsMax = 60
    /// How many clients and figures are told apart; what comes beyond is left out.
    static let linesMax = 4_096

    /// One line of a chart.
    private struct Line: Hashable {
        var figure: String
        var client: String
        var isPublic: Bool
    }

    private struct Sum: Equatable {
        var places = 0.0
        var values = 0.0
        var count = 0.0

        mutating func add(_ step: Int, _ value: Double) {
            places += Double(step)
            values += value
            count += 1
        }
    }

    /// How many steps a point stands for.
    let width: Int
    private var sums: [Line: [Int: Sum]] = [:]
    /// By client and part (`sampling`, `training`, `waiting`), all seconds.
    private(set) var seconds: [String: [String: Double]] = [:]
    /// By client, how many steps.
    private(set) var steps: [String: Int] = [:]

    /// Takes the number of steps that a run has.
    package init(steps total: Int) { width = max(1, (total + Self.pointsMax - 1) / Self.pointsMax) }

    /// Whether nothing was added.
    package var isEmpty: Bool { steps.isEmpty }

    /// Adds a step.
    ///
    /// - Parameters:
    ///   - step: The step, from 1 and counted through all rounds.
    ///   - client: Whose it is.
    ///   - isPublic: Whether it was a public one.
    ///   - metrics: What was measured; names that begin with `seconds/` are times.
    package mutating func add(step: Int, of client: String, isPublic: Bool, metrics: [String: Double]) {
        guard step > 0, steps[client] != nil || steps.count < Self.linesMax else { return }
        steps[client, default: 0] += 1
        for (name, value) in metrics where value.isDrawable {
            if name.hasPrefix("seconds/") {
                seconds[client, default: [:]][String(name.dropFirst("seconds/".count)), default: 0] += value
                continue
            }
            let line = Line(figure: name, client: client, isPublic: isPublic)
            guard sums[line] != nil || sums.count < Self.linesMax else { continue }
            sums[line, default: [:]][(step - 1) / width, default: Sum()].add(step, value)
        }
    }

    /// The clients with steps, sorted.
    var clients: [String] { steps.keys.sorted() }

    /// The figures of local or of public steps: those that people look at first, then the others by name.
    func figures(isPublic: Bool) -> [String] {
        let known = [
            "reward", "return", "loss", "kl", "entropy", "reward_std", "frac_reward_zero_std", "clip_ratio",
            "grad_norm", "completions/mean_length",
        ]
        let all = Set(sums.keys.filter { $0.isPublic == isPublic }.map(\.figure))
        return known.filter(all.contains) + all.subtracting(known).sorted()
    }

    /// The points of a line, by ascending step; empty where nothing was measured.
    func points(_ figure: String, of client: String, isPublic: Bool) -> [(x: Double, y: Double)] {
        (sums[Line(figure: figure, client: client, isPublic: isPublic)] ?? [:]).sorted { $0.key < $1.key }
            .map { (x: $0.value.places / $0.value.count, y: $0.value.values / $0.value.count) }
    }

    /// The mean of a figure over the first or the last point of all steps of a client; nil where there is none.
    func value(_ figure: String, of client: String, atEnd: Bool) -> Double? {
        let points = points(figure, of: client, isPublic: false)
        return (atEnd ? points.last : points.first)?.y
    }
}
