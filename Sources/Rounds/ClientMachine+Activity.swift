/// What a client is about, for people.
package enum ClientActivity: String, Codable, Sendable, Hashable, CaseIterable {
    /// The trainer is being made, or waits for the coordinator's terms.
    case preparing
    /// The next round has not begun yet.
    case waitingForRound
    /// The trainer takes local steps.
    case training
    /// The items of a public step have not come yet.
    case waitingForBatch
    /// The trainer answers public items.
    case responding
    /// The answers are on their way.
    case uploadingResponses
    /// Others have not answered yet.
    case waitingForPool
    /// The trainer learns from what came back.
    case absorbing
    /// The update is being packed.
    case packing
    /// The update is on its way.
    case uploadingUpdate
    /// The run is over, and its adapter is on its way.
    case fetchingResult
    /// It is over for this client.
    case ended
}

extension ClientMachine {
    /// What the client is about now, and of which round; nil between rounds.
    package var activity: (what: ClientActivity, round: Int?) {
        switch work {
        case .preparing: (.preparing, nil)
        case .fetchRound: (.waitingForRound, nil)
        case .fetchBatch(let round, _, _): (.waitingForBatch, round)
        case .offerResponses(let round, _, _, _): (.uploadingResponses, round)
        case .fetchPool(let round, _, _): (.waitingForPool, round)
        case .fetchResult: (.fetchingResult, nil)
        case .offerUpdate(let round, _): (.uploadingUpdate, round)
        case .adapting(let round, _, _): (.training, round)
        case .responding(let round, _, _): (.responding, round)
        case .absorbing(let round, _, _): (.absorbing, round)
        case .packing(let round): (.packing, round)
        case .ended: (.ended, nil)
        }
    }

    /// Whether the coordinator has welcomed this client on the present connection.
    package var isWelcome: Bool { link != .offline && link != .awaitingWelcome }
}
