// Documents in pieces that any thread can parse, each with the place where reading goes on after it: what a run on all cores that can be stopped needs.

namespace BgeSharp.Training.Data.Readers;

/// <summary>A place in a corpus.</summary>
/// <param name="File">Number of the file.</param>
/// <param name="Offset">Bytes of its text, after unpacking.</param>
/// <param name="Row">Its lines, rows or parts before the place.</param>
public readonly record struct ReadPosition(int File, long Offset, long Row);

/// <summary>What a unit held.</summary>
/// <param name="Documents">In reading order.</param>
/// <param name="Problems">A sentence for each line or file that was passed over.</param>
/// <param name="Bytes">Size of what was read, after unpacking; about.</param>
public sealed record UnitContent(IReadOnlyList<Document> Documents, IReadOnlyList<string> Problems, long Bytes);

/// <summary>A piece of a corpus.</summary>
/// <param name="After">Where reading goes on.</param>
/// <param name="Parse">Reads and parses the piece; throws <see cref="BadInput"/> for what is wrong unless that is passed over.</param>
public sealed record DocumentUnit(ReadPosition After, Func<UnitContent> Parse);

/// <summary>A corpus in units.</summary>
public interface IDocumentUnits
{
    /// <summary>What the corpus is, for telling whether it changed between two starts: names, sizes and times.</summary>
    string Fingerprint { get; }

    /// <summary>The units from a place on, in order; default for the beginning.</summary>
    IEnumerable<DocumentUnit> From(ReadPosition start);
}
