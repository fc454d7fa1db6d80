import Contract
import Testing

@testable import Nodes
@testable import tributary

@Suite("What a run looks like while it goes")
struct ProgressLayoutTests {
    private static let measure = Measure(key: "passAt1", name: "pass@1", unit: .fraction)

    /// A run of so many clients: each second one has delivered, the third one is not connected.
    private func layout(
        clients: Int,
        rounds: Int = 3,
        secondsLeft: Int? = 70,
        prefix: String = "org"
    ) -> ProgressLayout {
        let names = (0..<clients).map { "\(prefix)-\($0 < 10 ? "0" : "")\($0)" }
        return ProgressLayout(
            status: RunStatus(
                phase: .training,
                round: rounds - 1,
                rounds: rounds,
                steps: 60,
                measure: Self.measure,
                values: [0.2142] + (1..<rounds).map { 0.5 + Double($0) / 1e4 },
                vetoed: rounds > 1 ? [0] : [],
                bytesUp: 1_234_567,
                bytesDown: 45_678_901,
                clients: names.enumerated().map { index, name in
                    RunStatus.Client(
                        name: name,
                        connected: index != 2,
                        step: 8 + index % 2,
                        reward: 0.4375,
                        loss: nil
                    )
                },
                waitingFor: names.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
            ),
            seconds: 125,
            secondsLeft: secondsLeft
        )
    }

    @Test("names that begin alike keep what tells them apart")
    func names() {
        #expect(ProgressLayout.shortened("organisation-number-07", to: 11) == "organ…er-07")
        #expect(ProgressLayout.shortened("north", to: 11) == "north")
        #expect(ProgressLayout.shortened("north", to: 2) == "n…")
    }

    @Test("80 by 24")
    func usual() {
        #expect(
            layout(clients: 4).lines(width: 80, height: 24) == [
                "round 3/3  training  pass@1 0.214 → 0.500  1 of 2 rounds not taken",
                "2:05, about 1 min left  1234 kB up, 45.7 MB down",
                "  org-00  ████░░░░░░░░░░░░░░░░░░░░░░░░░░ step  9/60  reward 0.44",
                "  org-01  █████░░░░░░░░░░░░░░░░░░░░░░░░░ step 10/60  reward 0.44",
                "  org-02  not connected",
                "  org-03  █████░░░░░░░░░░░░░░░░░░░░░░░░░ step 10/60  reward 0.44",
                "  waiting for org-00, org-02",
            ]
        )
    }

    @Test("a narrow window loses the bars first, and then the ends of lines")
    func narrow() {
        #expect(
            layout(clients: 2).lines(width: 40, height: 24) == [
                "round 3/3  training",
                "2:05, about 1 min left",
                "  org-00  ░░░░░ step  9/60  reward 0.44",
                "  org-01  ░░░░░ step 10/60  reward 0.44",
                "  waiting for org-00",
            ]
        )
        #expect(
            layout(clients: 2).lines(width: 20, height: 24) == [
                "round 3/3  training",
                "2:05, about 1 min l…",
                "  org-00  step  9/60",
                "  org-01  step 10/60",
                "  waiting for org-00",
            ]
        )
    }

    @Test("more clients than rows: the rest is summed up, and the first lines stay")
    func many() {
        #expect(
            layout(clients: 15).lines(width: 80, height: 8) == [
                "round 3/3  training  pass@1 0.214 → 0.500  1 of 2 rounds not taken",
                "2:05, about 1 min left  1234 kB up, 45.7 MB down",
                "  org-00  ████░░░░░░░░░░░░░░░░░░░░░░░░░░ step  9/60  reward 0.44",
                "  org-01  █████░░░░░░░░░░░░░░░░░░░░░░░░░ step 10/60  reward 0.44",
                "  org-02  not connected",
                "  … and 12 more: 6 waiting, 6 training",
                "  waiting for org-00, org-02, org-04, org-06, org-08, org-10, org-12, org-14",
            ]
        )
    }

    @Test("whatever the window, every line fits it and a line is left for the cursor")
    func fits() {
        for clients in [1, 4, 15, 300] {
            for width in [1, 5, 20, 39, 80, 200] {
                for height in [1, 2, 3, 5, 10, 24, 100] {
                    let lines = layout(clients: clients, rounds: 1000).lines(width: width, height: height)
                    #expect(lines.count <= max(1, height - 1), "\(clients) clients, \(width) × \(height)")
                    for line in lines {
                        #expect(line.count <= width, "\(width) × \(height): '\(line)'")
                    }
                }
            }
        }
    }

    @Test("the headline is as long after a thousand rounds as after two")
    func constant() {
        let early = layout(clients: 2, rounds: 2).lines(width: 500, height: 24)[0]
        let late = layout(clients: 2, rounds: 1000).lines(width: 500, height: 24)[0]

        #expect(late.count <= early.count + 12)
        #expect(late == "round 1000/1000  training  pass@1 0.214 → 0.600  1 of 999 rounds not taken")
    }

    @Test("a lost client says so")
    func lost() {
        var layout = layout(clients: 1)
        layout.notes = ["org-00": "lost, exit code 70"]

        #expect(layout.lines(width: 80, height: 24)[2] == "  org-00  lost, exit code 70")
    }

    @Test("one plain line has everything that a log needs")
    func plain() {
        #expect(
            layout(clients: 15, secondsLeft: nil).plainLine
                == "round 3/3  training  step 9/60  pass@1 0.214 → 0.500  1 of 2 rounds not taken  2:05  "
                + "1234 kB up, 45.7 MB down  waiting for org-00, org-02, org-04, org-06, org-08 and 3 more"
        )
    }

    @Test("the time left follows from the rounds and steps that were watched")
    func timeLeft() {
        var status = layout(clients: 2, rounds: 4).status
        status.round = 1
        var estimate = TimeLeft()
        #expect(estimate.seconds(status, at: 10) == nil, "nothing was watched yet")
        #expect(estimate.seconds(status, at: 100) == nil, "nothing has happened since")
        status.round = 2
        #expect(estimate.seconds(status, at: 110) == 184)
        status.phase = .finished
        #expect(estimate.seconds(status, at: 110) == nil)
    }

    @Test(
        "times are as exact as they can be",
        arguments: [
            (4, "4 s"), (37, "40 s"), (100, "2 min"), (5399, "90 min"), (12_000, "3 h 20 min"),
            (260_000, "3 days"),
        ]
    )
    func times(seconds: Int, text: String) {
        #expect(TimeLeft.text(seconds) == text)
    }

    @Test("the time that has passed looks like a clock")
    func passed() {
        #expect([34, 125, 4325].map(TimeLeft.exact) == ["34 s", "2:05", "1:12:05"])
    }
}
