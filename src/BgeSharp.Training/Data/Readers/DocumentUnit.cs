// Documents in pieces that any thread can parse, each with the place where reading goes on after it: what a run on all cores that can be stopped needs.

namespace BgeSharp.Training.Data.Readers;

/// <summary>A place in a corpus.</summary>
/// <param name="File">Number of the file.</param>
/// <param name="Offset">Bytes of its text, after unpacking.</param>
/// <param name="Row">Its lines, rows or parts before the place, wrong ones too.</param>
public readonly record struct ReadPosition(int File, long Offset, long Row);

/// <summary>What a unit held.</summary>
/// <param name="Documents">In reading order.</param>
/// <param name="Problems">A sentence for each line or file that was passed over.</param>
/// <param name="Bytes">Size of what was read, after unpacking; about.</param>
public sealed record UnitContent(IReadOnlyList<Document> Documents, IReadOnlyList<string> Problems, long Bytes)
{
    /// <summary>Fields of its rows, for <see cref="DocumentUnit.Taken"/>.</summary>
    internal RowFields Fields { get; init; } = RowFields.None;
}

/// <summary>A piece of a corpus.</summary>
/// <param name="After">Where reading goes on.</param>
/// <param name="Parse">Reads and parses the piece; throws <see cref="BadInput"/> for what is wrong unless that is passed over.</param>
public sealed record DocumentUnit(ReadPosition After, Func<UnitContent> Parse)
{
    /// <summary>On the last unit of a file of rows: what is wrong when its rows have these fields, null for nothing; throws when wrong input is not passed over.</summary>
    internal Func<RowFields, string?>? Check { get; init; }

    /// <summary>To be called for each unit in order, since what is asked at the end of a file is about all its rows.</summary>
    /// <param name="before">Fields of the file's rows before this unit.</param>
    /// <param name="own">Fields of the unit's rows.</param>
    /// <returns>Fields of the file's rows so far, and what is wrong with them.</returns>
    /// <exception cref="BadInput">A field that was named is in no row, and wrong input is not passed over.</exception>
    internal (RowFields Fields, string? Problem) Taken(RowFields before, RowFields own)
    {
        RowFields all = before.With(own);
        return Check is null ? (all, null) : (RowFields.None, Check(all));
    }
}

/// <summary>A corpus in units.</summary>
public interface IDocumentUnits
{
    /// <summary>What the corpus is, for telling whether it changed between two starts, in a short text: it is kept with every checkpoint.</summary>
    string Fingerprint { get; }

    /// <summary>The units from a place on, in order; default for the beginning.</summary>
    IEnumerable<DocumentUnit> From(ReadPosition start);
}
