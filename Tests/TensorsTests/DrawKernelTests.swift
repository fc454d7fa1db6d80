import CKernels
import Randomness
import Testing

@Suite("Drawing a token agrees with its scalar twin") struct DrawKernelTests {
    /// Logits as models have them: most near the middle, a few well above.
    private func logits(_ columns: Int, _ name: String) -> [Float] {
        zip(random(columns, name, scale: 4), random(columns, name + "'", scale: 3)).map { $0 + $1 * $1 }
    }

    private func expectSame(_ found: kernel_drawn, _ expected: kernel_drawn, _ what: String) {
        #expect(found.column == expected.column, "\(what)")
        #expect(abs(found.log_probability - expected.log_probability) < 1e-5, "\(what)")
    }

    @Test("at every temperature, and greedy", arguments: lengths.dropFirst() + [1024, 4099, 49_152])
    func agrees(columns: Int) {
        let x = logits(columns, "x")
        var stream = RandomStream(seed: 3, "uniform")
        for scale in [Float(0.5), 1, 1.7] {
            for _ in 0..<20 {
                let uniform = stream.uniform()
                expectSame(
                    kernel_draw(x, columns, scale, uniform),
                    kernel_draw_reference(x, columns, scale, uniform),
                    "scale \(scale), uniform \(uniform)"
                )
            }
        }
        expectSame(kernel_draw_greedy(x, columns), kernel_draw_greedy_reference(x, columns), "greedy")
    }

    @Test("the ends of the unit interval draw the first and the last token that has any probability")
    func ends() {
        var x = [Float](repeating: -.infinity, count: 3000)
        (x[7], x[1500], x[2900]) = (1, 2, 1.5)
        #expect(kernel_draw(x, 3000, 1, 0).column == 7)
        #expect(kernel_draw(x, 3000, 1, 1.0.nextDown).column == 2900)
    }

    @Test("of equal logits the greedy draw takes the first")
    func ties() { #expect(kernel_draw_greedy([1, 3, 2, 3], 4).column == 1) }

    @Test("nothing is drawn where a logit is NaN or infinite, or none is finite")
    func special() {
        for bad in [Float.nan, .infinity] {
            for place in [0, 9, 20] {
                var x = random(21, "x")
                x[place] = bad
                #expect(kernel_draw(x, 21, 1, 0.5).column == -1)
                #expect(kernel_draw_greedy(x, 21).column == -1)
                var sum: Float = 0
                _ = kernel_nucleus(x, 21, 1, 0.5, &sum)
                #expect(!sum.isFinite)
            }
        }
        let none = [Float](repeating: -.infinity, count: 5)
        #expect(kernel_draw(none, 5, 1, 0.5).column == -1)
        #expect(kernel_draw_greedy(none, 5).column == -1)
    }

    @Test(
        "the tokens at or above the nucleus's bound have the share, and few would do without the last step",
        arguments: [1, 17, 300, 4099, 49_152],
        [0.05, 0.5, 0.9, 0.999]
    )
    func nucleus(columns: Int, share: Double) {
        let x = logits(columns, "x")
        for scale in [Float(0.6), 1, 2] {
            var sum: Float = 0
            let least = kernel_nucleus(x, columns, scale, share, &sum)
            var tokens = [Int32](repeating: -1, count: columns)
            var p = [Float](repeating: 0, count: columns)
            let count = kernel_nucleus_take(x, columns, scale, least, sum, &tokens, &p)
            #expect(count == kernel_nucleus_take(x, columns, scale, least, sum, nil, nil))
            #expect(p[..<count].reduce(0.0) { $0 + Double($1) } >= share)
            #expect(tokens[..<count].allSatisfy { x[Int($0)] * scale >= least })
            #expect(x.filter { $0 * scale >= least }.count == count)
            // Without the tokens of the last three steps of 1/16 the share is not reached.
            let fewer = x.filter { $0 * scale >= least + 3.0 / 16 }.reduce(0.0) {
                $0 + Double(exponential($1 * scale - sum))
            }
            #expect(fewer < share)
        }
    }

    private func exponential(_ x: Float) -> Float {
        var (x, y) = (x, Float(0))
        kernel_exp(&x, &y, 1)
        return y
    }
}
