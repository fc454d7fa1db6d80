import Testing

@testable import Rounds

@Suite("The schedule of a round")
struct ScheduleTests {
    @Test("two local steps, then a public one")
    func example() {
        #expect(
            roundSchedule(steps: 7, localPerPublic: 2) == [
                .local(0..<2), .publicStep(2), .local(3..<5), .publicStep(5), .local(6..<7),
            ]
        )
        #expect(roundSchedule(steps: 3, localPerPublic: 0) == [.local(0..<3)])
        #expect(roundSchedule(steps: 2, localPerPublic: 2) == [.local(0..<2)])
        #expect(roundSchedule(steps: 2, localPerPublic: 1) == [.local(0..<1), .publicStep(1)])
    }

    @Test("every step occurs once, in order; step s is public if (s + 1) mod (q + 1) = 0")
    func law() {
        for steps in 1...25 {
            for q in 0...7 {
                var next = 0
                var isAfterLocal = false
                for phase in roundSchedule(steps: steps, localPerPublic: q) {
                    switch phase {
                    case .local(let range):
                        #expect(range.lowerBound == next && !range.isEmpty && !isAfterLocal)
                        #expect(range.allSatisfy { q == 0 || ($0 + 1) % (q + 1) != 0 })
                        next = range.upperBound
                        isAfterLocal = true
                    case .publicStep(let step):
                        #expect(step == next && q > 0 && (step + 1) % (q + 1) == 0)
                        next = step + 1
                        isAfterLocal = false
                    }
                }
                #expect(next == steps)
            }
        }
    }
}

@Suite("Back-off")
struct BackOffTests {
    @Test("waits double up to the cap and are shortened by at most a half")
    func waits() {
        let steady = BackOff(firstMs: 100, longestMs: 1_000, jitter: [0])
        #expect((1...6).map { steady.wait(failures: $0, draw: 0) } == [100, 200, 400, 800, 1_000, 1_000])
        let shaken = BackOff(firstMs: 100, longestMs: 1_000, jitter: [0, 0.5, 0.999])
        #expect((0..<4).map { shaken.wait(failures: 1, draw: $0) } == [100, 75, 50, 100])
        #expect(steady.wait(failures: .max, draw: 0) == 1_000)
    }
}
