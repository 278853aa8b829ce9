// A micro-batch of masked texts in pieces: every P-th text makes a piece, so that pieces have texts of the same lengths. A text's masks are a function of its row
// and the batch's number, so a rank draws its own pieces only and they are what one process would have drawn.

namespace BgeSharp.Training.Data.Batches;

/// <summary>A part of a micro-batch.</summary>
/// <param name="Number">Number of the piece within its micro-batch, from 0.</param>
/// <param name="Places">Where its texts stand in the micro-batch.</param>
/// <param name="Batch">The texts.</param>
public sealed record RetroMaePiece(int Number, int[] Places, RetroMaeBatch Batch)
{
    /// <summary>Tokens the encoder must name, tokens the decoder must name, texts: what the losses of a step are averaged over.</summary>
    public long[] Counts =>
    [
        Batch.Encoder.Rows.Length,
        Batch.Decoder?.Rows.Length ?? Enumerable.Range(0, Batch.Original.Count).Sum(i => Math.Max(0, Batch.Original.LengthOf(i) - 2)),
        Batch.Original.Count,
    ];

    /// <summary>Draws some pieces of a micro-batch; those that would be empty are left out.</summary>
    /// <param name="rows">Rows of the whole micro-batch.</param>
    /// <param name="pieces">P.</param>
    /// <param name="wanted">True for a piece to draw.</param>
    /// <param name="draw">Draws a batch of rows.</param>
    public static RetroMaePiece[] Draw(int[] rows, int pieces, Func<int, bool> wanted, Func<int[], RetroMaeBatch> draw)
        => [.. Enumerable.Range(0, Math.Min(pieces, rows.Length)).Where(wanted).Select(piece =>
        {
            int[] places = [.. Enumerable.Range(0, rows.Length).Where(i => i % pieces == piece)];
            return new RetroMaePiece(piece, places, draw([.. places.Select(i => rows[i])]));
        })];
}
