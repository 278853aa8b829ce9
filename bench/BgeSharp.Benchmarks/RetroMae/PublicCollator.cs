// Turns our masked batches into the padded tensors that the public model takes: same texts, same masks, other layout.

using BgeSharp.Training.Data.Batches;

namespace BgeSharp.Benchmarks.RetroMae;

/// <summary>Pads.</summary>
internal static class PublicCollator
{
    /// <param name="batch">Texts and masks.</param>
    /// <param name="pad">The pad id.</param>
    public static PublicBatch Pad(RetroMaeBatch batch, int pad)
    {
        (int count, int length) = (batch.Original.Count, batch.Original.MaxLength);
        long[] encoder = Filled(pad), decoder = Filled(pad), mask = Filled(0), encoderLabels = Filled(-100), decoderLabels = Filled(-100);
        var cells = new long[batch.Original.TokenCount];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<int> text = batch.Original[i], masked = batch.Encoder.Texts[i];
            for (int j = 0; j < text.Length; j++)
            {
                int cell = (i * length) + j;
                (encoder[cell], decoder[cell], mask[cell]) = (masked[j], text[j], 1);
                decoderLabels[cell] = j == 0 || j == text.Length - 1 ? -100 : text[j];
                cells[batch.Original.Offsets[i] + j] = cell;
            }
        }
        for (int m = 0; m < batch.Encoder.Rows.Length; m++)
        {
            encoderLabels[cells[batch.Encoder.Rows[m]]] = batch.Encoder.Targets[m];
        }
        Tensor visible = tensor(batch.Hidden!()).view(count, length, length).logical_not().to_type(ScalarType.Int64);
        return new PublicBatch(Shape(encoder), Shape(mask), Shape(encoderLabels), Shape(decoder), visible, Shape(decoderLabels));

        long[] Filled(long value)
        {
            var filled = new long[count * length];
            filled.AsSpan().Fill(value);
            return filled;
        }

        Tensor Shape(long[] values) => tensor(values).view(count, length);
    }
}
