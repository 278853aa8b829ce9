// Two ranks against the reference: loss and gradients of the joined batch (golden/README.md, cross_device). The public code's own averaged gradient is
// that divided by the number of ranks; the file holds it too, and the test states the factor.

using BgeSharp.Embeddings;
using BgeSharp.Training.Collectives;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using static TorchSharp.torch;

namespace BgeSharp.Training.Tests.Collectives;

[Trait("Category", "Golden")]
public sealed class GoldenCrossDeviceTests
{
    public static TheoryData<string, bool> Cases() => GoldenCase.Variants("cross_device");

    [Theory, MemberData(nameof(Cases))]
    public void Two_ranks_have_the_loss_and_the_gradients_of_the_joined_batch(string variant, bool exact)
    {
        double[][] losses = ThreadGroup.Run(2, group =>
        {
            using var scope = NewDisposeScope();
            using var golden = GoldenCase.Open("cross_device", variant, exact);
            using Weights weights = golden.LoadWeights(Encoder.Shapes("", golden.Config));
            var encoder = new M3Encoder(new Encoder(weights, "", golden.Config), Pooling.Cls);
            BgeSharp.Text.TokenBatch queries = golden.Pack("in.q.input_ids", "in.q.attention_mask"), passages = golden.Pack("in.p.input_ids", "in.p.attention_mask");
            bool teacher = golden.Has("in.teacher_scores") && variant != "infonce";
            var targets = new ContrastiveTargets(passages.Count / queries.Count, null, teacher ? golden.Load("in.teacher_scores") : null);
            var objective = new ContrastiveObjective
            {
                Contrast = new InfoNce(double.Parse(golden.Metadata["temperature"], System.Globalization.CultureInfo.InvariantCulture)),
                Teacher = !teacher ? TeacherUse.None : variant == "m3_kd" ? TeacherUse.Ordered : TeacherUse.KlDivergence,
            };
            var encoding = new SplitEncoding(encoder, EmbeddingModes.Dense, 64, recompute: false, group);
            double loss = 0;
            encoding.Run([queries, passages], k => k, sides =>
            {
                golden.AssertEqual("out.q_reps", sides[0].Dense!);
                golden.AssertEqual("out.p_reps", sides[1].Dense!);
                (int start, int count) = group.RangeOf(queries.Count);
                Tensor part = objective.Loss(sides[0], sides[1], targets, start, count, []) * (count / (double)queries.Count);
                part.backward();
                loss = part.to_type(ScalarType.Float64).item<double>();
            });
            loss = group.Join(new StepFigures(loss, 0, new Dictionary<string, double>())).Loss;
            golden.AssertEqual("out.loss", tensor([loss]));
            group.SumGradients(weights, ScalarType.Float32);
            golden.AssertGradients(weights);
            if (variant != "kl_div")
            {
                const string averaged = "out.fe.ddp_grad.";
                string[] names = [.. golden.Names(averaged)];
                Assert.NotEmpty(names);
                foreach (string name in names)
                {
                    golden.AssertEqual(name, weights.GradientOf(name[averaged.Length..]) / 2);
                }
            }
            return new[] { loss };
        });
        Assert.Equal(losses[0], losses[1]);
    }
}
