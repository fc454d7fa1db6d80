/// How the matrices of a frozen model are kept and multiplied with. Norms and biases are float32 in every form.
package enum WeightForm: String, Sendable, Hashable, CaseIterable, Codable {
    /// As float32: exact.
    case float32
    /// Rounded to bfloat16, as the other side of each product is; sums are float32.
    case bfloat16
    /// In 8 bits a value, or in the file's own blocks of 4 to 8 bits (`StoredWeight.matrix` says which), against inputs that
    /// are rounded to 8 bits. Gradients go back through bfloat16.
    case int8
}
