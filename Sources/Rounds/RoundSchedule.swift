/// A part of a round.
package enum RoundPhase: Sendable, Hashable {
    /// Steps on private data, without the coordinator.
    case local(Range<Int>)
    /// One public step, numbered within the round.
    case publicStep(Int)

    /// How many steps it has.
    package var stepCount: Int {
        switch self {
        case .local(let steps): steps.count
        case .publicStep: 1
        }
    }
}

/// Whether a step of a round is public: the one after every `localPerPublic` local ones.
///
/// - Parameters:
///   - step: The step within the round, from 0.
///   - localPerPublic: q; 0 for a round without public steps.
package func isPublicStep(_ step: Int, localPerPublic: Int) -> Bool {
    localPerPublic > 0 && step % (localPerPublic + 1) == localPerPublic
}

/// The phases of a round: `localPerPublic` local steps, then a public one, repeated until all `steps`
/// are used up; what remains at the end is local.
///
/// - Parameters:
///   - steps: Steps in a round, local and public together; positive.
///   - localPerPublic: q, the local steps before each public one; 0 for a round without public steps.
/// - Returns: Phases whose steps are 0 ..< `steps` in order, each once; no two local phases in a row.
package func roundSchedule(steps: Int, localPerPublic: Int) -> [RoundPhase] {
    precondition(steps > 0 && localPerPublic >= 0, "\(steps) steps, \(localPerPublic) local per public")
    guard localPerPublic > 0 else { return [.local(0..<steps)] }
    var phases: [RoundPhase] = []
    var step = 0
    while step < steps {
        let next = min(step + localPerPublic, steps)
        phases.append(.local(step..<next))
        if next < steps { phases.append(.publicStep(next)) }
        step = next + 1
    }
    return phases
}
