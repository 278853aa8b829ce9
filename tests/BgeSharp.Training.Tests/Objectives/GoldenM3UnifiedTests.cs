using System.Globalization;
using BgeSharp.Embeddings;
using BgeSharp.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Objectives;

[Trait("Category", "Golden")]
public sealed class GoldenM3UnifiedTests
{
    public static TheoryData<string, bool> Cases() => GoldenCase.Variants("m3_unified");

    [Theory, MemberData(nameof(Cases))]
    public void Outputs_scores_losses_and_gradients_are_the_reference_s(string variant, bool exact)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Open("m3_unified", variant, exact);
        int size = (int)golden.Shape("colbert_linear.weight")[0];
        using Weights weights = golden.LoadWeights(Encoder.Shapes("", golden.Config).Concat(M3Heads.Shapes(golden.Config, EmbeddingModes.All, size)));
        int[] special = [.. golden.Metadata["cls_eos_pad_unk_ids"].Split(',').Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
        var heads = new M3Heads(weights, special);
        var encoder = new M3Encoder(new Encoder(weights, "", golden.Config), Pooling.Cls, heads);
        M3Outputs Encode(string side)
        {
            M3Outputs outputs = encoder.Forward(golden.Pack($"in.{side}.input_ids", $"in.{side}.attention_mask"), training: true, EmbeddingModes.All);
            golden.AssertEqual($"out.{side}_dense", outputs.Dense!);
            golden.AssertEqual($"out.{side}_token_weights", outputs.TokenWeights!, golden.PackRows(golden.Load($"out.{side}_token_weights"), $"in.{side}.attention_mask"));
            return outputs;
        }
        M3Outputs queries = Encode("q"), passages = Encode("p");
        bool own = golden.Metadata["no_in_batch_neg"] == "true";
        var contrast = new InfoNce(double.Parse(golden.Metadata["temperature"], CultureInfo.InvariantCulture), !own);
        var scores = new M3Scores(
            contrast.Scores(queries.Dense!, passages.Dense!),
            LexicalMatch.Scores(queries.TokenWeights!, queries.Batch, passages.TokenWeights!, passages.Batch, heads.WithoutWeight, own) / contrast.Temperature,
            WithPadColumns(golden, queries, passages, own) / contrast.Temperature);
        golden.AssertEqual("out.scores_dense", scores.Dense!);
        golden.AssertEqual("out.scores_sparse", scores.Sparse!);
        golden.AssertEqual("out.scores_colbert", scores.MultiVector!);

        M3Loss loss = M3Unified.Published.Loss(scores, Task, golden.Has("out.self_distill_dense"));
        golden.AssertEqual("out.loss_dense", loss.Each["loss_dense"]);
        golden.AssertEqual("out.loss_sparse", loss.Each["loss_sparse"]);
        golden.AssertEqual("out.loss_colbert", loss.Each["loss_multi"]);
        Tensor total = loss.Total;
        if (own)
        {
            // The original's ensemble is a [B, 1] matrix there, whose loss is always 0: its total is reproduced without ours.
            Assert.Equal(scores.Dense!.shape, M3Unified.Published.EnsembleScores(scores).shape);
            total = (loss.Each["loss_dense"] + (loss.Each["loss_sparse"] * 0.1) + loss.Each["loss_multi"]) / 4;
        }
        else
        {
            golden.AssertEqual("out.scores_ensemble", M3Unified.Published.EnsembleScores(scores));
            golden.AssertEqual("out.loss_ensemble", loss.Each["loss_ensemble"]);
            foreach (string part in golden.Has("out.self_distill_dense") ? new[] { "dense", "sparse", "colbert" } : [])
            {
                golden.AssertEqual($"out.self_distill_{part}", loss.Each["self_distill_" + (part == "colbert" ? "multi" : part)]);
            }
        }
        golden.AssertEqual("out.loss", total);
        total.backward();
        golden.AssertGradients(weights);

        Tensor Task(Tensor s)
        {
            if (!golden.Has("in.teacher_scores"))
            {
                return contrast.Loss(s);
            }
            Tensor targets = Distillation.Targets(golden.Load("in.teacher_scores"));
            var distillation = new Distillation(contrast);
            return golden.Metadata["kd_loss_type"] == "kl_div" ? distillation.KlDivergence(s, targets) : distillation.Ordered(s, targets);
        }
    }

    // The original lets the zero columns of padding take part in the maximum: here they are valid zero vectors of the passages.
    private static Tensor WithPadColumns(GoldenCase golden, M3Outputs queries, M3Outputs passages, bool own)
    {
        int length = (int)golden.Shape("in.p.input_ids")[1];
        TokenBatch batch = passages.Batch;
        var rows = new List<long>();
        for (int i = 0; i < batch.Count; i++)
        {
            for (int j = 0; j < length; j++)
            {
                rows.Add(j < batch.LengthOf(i) ? batch.Offsets[i] + j : batch.TokenCount);
            }
        }
        Tensor zero = zeros(1, passages.TokenVectors!.shape[1], passages.TokenVectors.dtype);
        Tensor padded = cat([passages.TokenVectors, zero], 0).index_select(0, tensor(rows.ToArray()));
        int[] offsets = [.. Enumerable.Range(0, batch.Count + 1).Select(i => i * length)];
        return LateInteraction.Scores(queries.TokenVectors!, queries.Batch.Offsets, padded, offsets, 1, own, golden.Compute.Type);
    }
}
