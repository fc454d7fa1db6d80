import Testing

@testable import tributary

@Suite("When a process of a federation on this machine fails")
struct FailurePolicyTests {
    @Test("a client is started again three times, ever later, and then the others go on without it")
    func bounded() {
        var policy = FailurePolicy(quorum: 2)
        let decisions = (0..<4).map { _ in policy.clientEnded("ash", with: 70, others: 2, hasBegun: true) }

        #expect(
            decisions == [
                .restart(afterSeconds: 1), .restart(afterSeconds: 2), .restart(afterSeconds: 4), .goOnWithout,
            ]
        )
        #expect(policy.clientEnded("elm", with: 137, others: 2, hasBegun: true) == .restart(afterSeconds: 1))
    }

    @Test("without a quorum nobody goes on")
    func quorum() {
        var policy = FailurePolicy(quorum: 2)

        #expect(policy.clientEnded("ash", with: 77, others: 1, hasBegun: true) == .giveUp)
    }

    @Test(
        "what a restart does not heal is not repeated: it ends a set-up, and not a run that has begun",
        arguments: [64, 65, 66, 77, 78] as [Int32]
    )
    func lasting(code: Int32) {
        var policy = FailurePolicy(quorum: 2)

        #expect(policy.clientEnded("ash", with: code, others: 3, hasBegun: false) == .giveUp)
        #expect(policy.clientEnded("ash", with: code, others: 3, hasBegun: true) == .goOnWithout)
    }

    @Test("a coordinator that was killed is started again; one that cannot go on ends everything")
    func coordinator() {
        var policy = FailurePolicy(quorum: 2)

        #expect(policy.coordinatorEnded(with: 69) == .giveUp)
        #expect((0..<4).map { _ in policy.coordinatorEnded(with: 137) }.last == .giveUp)
    }
}
