import CKernels
import Testing

@testable import Tensors

/// A path and a form of the right-hand matrix.
private struct Case: CustomStringConvertible {
    let path: kernel_path
    let form: kernel_form
    var description: String { "path \(path.rawValue), form \(form.rawValue)" }

    static let all: [Case] = [kernel_path_scalar, kernel_path_avx2, kernel_path_avx512]
        .filter { kernel_path_runs($0) != 0 }
        .flatMap { path in forms.map { Case(path: path, form: $0) } }
    private static let forms = [
        kernel_rows, kernel_columns, kernel_panels, kernel_panels_back, kernel_panels_bf16,
        kernel_panels_bf16_back,
    ]

    var isHalf: Bool { form == kernel_panels_bf16 || form == kernel_panels_bf16_back }

    /// What `kernel_product` reads of some values b [k, n].
    func stored(_ b: [Float], k: Int, n: Int) -> [Float] {
        let turned = (0..<n * k).map { b[$0 % k * n + $0 / k] }
        switch form {
        case kernel_rows: return b
        case kernel_columns: return turned
        case kernel_panels, kernel_panels_bf16: return packed(turned, n, k)
        default: return packed(b, k, n)
        }
    }

    private func packed(_ w: [Float], _ rows: Int, _ columns: Int) -> [Float] {
        let half: CInt = isHalf ? 1 : 0
        var panels = [Float](repeating: .nan, count: kernel_panels_size(rows, columns, half) / 4)
        for first in stride(from: 0, to: rows, by: 64) {
            let count = min(64, rows - first)
            let some = Array(w[first * columns..<(first + count) * columns])
            kernel_pack_panels(some, first, count, columns, half, &panels)
        }
        return panels
    }
}

@Suite("Matrix products on every path")
struct ProductKernelTests {
    private func product(
        _ `case`: Case,
        _ a: [Float],
        _ b: [Float],
        _ c: [Float],
        m: Int,
        n: Int,
        k: Int,
        transposed: Bool = false,
        alpha: Float = 1,
        beta: Float = 0,
        reference: Bool = false
    ) -> [Float] {
        var c = c
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    var work = kernel_product_work(
                        path: `case`.path,
                        m: m,
                        n: n,
                        k: k,
                        a: a.baseAddress,
                        a_stride: transposed ? m : k,
                        a_transposed: transposed ? 1 : 0,
                        b: UnsafeRawPointer(b.baseAddress),
                        b_stride: `case`.form == kernel_columns ? k : n,
                        b_form: `case`.form,
                        alpha: alpha,
                        beta: beta,
                        c: c.baseAddress,
                        c_stride: n
                    )
                    if reference { kernel_product_reference(&work) } else { kernel_product(&work) }
                }
            }
        }
        return c
    }

    @Test("each path has the bits of the scalar twin", arguments: Case.all)
    fileprivate func twin(_ `case`: Case) {
        let sizes = [
            (1, 1, 1), (1, 33, 7), (3, 16, 5), (5, 40, 32), (7, 64, 33), (14, 31, 65), (15, 32, 64),
            (29, 17, 100), (31, 96, 1537), (43, 5, 3201), (13, 0, 4), (0, 3, 4), (3, 5, 0),
        ]
        for (m, n, k) in sizes {
            let (a, b, c) = (random(m * k, "a"), random(k * n, "b"), random(m * n, "c"))
            let stored = `case`.stored(b, k: k, n: n)
            for (alpha, beta, transposed) in [(1, 0, false), (0.3, 1, !`case`.isHalf), (1, -0.7, false)]
                as [(Float, Float, Bool)]
            {
                func run(reference: Bool) -> [Float] {
                    product(
                        `case`,
                        a,
                        stored,
                        c,
                        m: m,
                        n: n,
                        k: k,
                        transposed: transposed,
                        alpha: alpha,
                        beta: beta,
                        reference: reference
                    )
                }
                #expect(run(reference: false) == run(reference: true), "\(m) × \(n) × \(k)")
            }
        }
    }

    @Test("the twin is a matrix product")
    func plain() {
        let (m, n, k) = (9, 37, 70)
        let (a, b) = (random(m * k, "a"), random(k * n, "b"))
        let expected = (0..<m * n).map { at in
            (0..<k).reduce(Float(0)) { $0 + a[at / n * k + $1] * b[$1 * n + at % n] }
        }
        for `case` in Case.all {
            let found = product(
                `case`,
                a,
                `case`.stored(b, k: k, n: n),
                [Float](repeating: .nan, count: m * n),
                m: m,
                n: n,
                k: k,
                reference: true
            )
            expectClose(found, expected, `case`.isHalf ? 2e-2 : 1e-5, "\(`case`)")
        }
    }

    @Test("a row has the same bits whatever rows there are besides", arguments: Case.all)
    fileprivate func rows(_ `case`: Case) {
        let (most, n, k) = (70, 72, 50)
        let (a, b) = (random(most * k, "a"), random(k * n, "b"))
        let stored = `case`.stored(b, k: k, n: n)
        func rows(_ range: Range<Int>) -> [Float] {
            product(
                `case`,
                Array(a[range.lowerBound * k..<range.upperBound * k]),
                stored,
                [Float](repeating: .nan, count: range.count * n),
                m: range.count,
                n: n,
                k: k
            )
        }

        let all = rows(0..<most)

        for count in 1...most {
            let first = most - count
            #expect(rows(first..<most) == Array(all[first * n..<most * n]), "\(count) rows")
        }
    }

    @Test("panels give their rows back, those of bfloat16 rounded")
    func panels() {
        let memory = WeightMemory()
        for (rows, columns) in [(1, 1), (32, 64), (33, 7), (300, 5)] {
            let values = random(rows * columns, "panels")
            let (wide, half) = (
                PackedMatrix(rows: rows, columns: columns, precision: .float32, values: values),
                PackedMatrix(rows: rows, columns: columns, precision: .bfloat16, memory: memory) {
                    range,
                    to in
                    for (at, value) in values[range.lowerBound * columns..<range.upperBound * columns]
                        .enumerated()
                    {
                        to[at] = value
                    }
                }
            )
            #expect(wide.toArray() == values)
            #expect(half.toArray() == values.map(Self.rounded))
            #expect(half.byteCount < wide.byteCount || columns == 1)
        }
    }

    @Test("memory of weights is aligned, and no two have the same")
    func memory() {
        let memory = WeightMemory()
        let sizes = [1, 64, 65, 3 << 20, 40 << 20, 60 << 20, 5, 33 << 20]
        let places = sizes.map { memory.take($0) }
        let taken = zip(places, sizes).map { UInt(bitPattern: $0)..<UInt(bitPattern: $0) + UInt($1) }
        for (index, range) in taken.enumerated() {
            #expect(range.lowerBound % 64 == 0)
            #expect(!taken[..<index].contains { $0.overlaps(range) })
        }
    }

    /// To the nearest bfloat16, ties to even.
    private static func rounded(_ value: Float) -> Float {
        let bits = value.bitPattern
        return Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
    }

    @Test("what is not a number stays so in bfloat16")
    func notNumbers() {
        let values: [Float] = [.nan, .infinity, -.infinity, -0.0, Float(bitPattern: 0x7F80_0001)]
        let found = PackedMatrix(rows: 1, columns: 5, precision: .bfloat16, values: values).toArray()
        #expect(found[0].isNaN && found[4].isNaN && Array(found[1...3]) == Array(values[1...3]))
    }
}
