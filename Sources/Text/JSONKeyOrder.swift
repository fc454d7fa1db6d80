/// The order in which JSON has its keys, which Foundation's decoder does not keep and Python's goes by.
package enum JSONKeyOrder {
    /// The keys of the object that the file's object has under a key, in the file's order; empty where there is none.
    package static func keys(under key: String, in bytes: [UInt8]) -> [String] {
        let whole: JSONTree
        do throws(JSONReader.Fault) {
            whole = try JSONReader.value(of: bytes)
        } catch {
            return []
        }
        // Of a key that is there twice the last value counts.
        guard case .object(let members) = whole,
            case .object(let inner)? = members.last(where: { $0.key == key })?.value
        else { return [] }
        return inner.map(\.key)
    }
}
