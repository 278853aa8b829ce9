// Rows of an embedding table. Autograd would make a gradient as large as the table for every sub-batch and add it to the one that is there: for 250,002 words of
// 1,024 numbers a gigabyte to clear, write and read for some hundred rows. Here the rows' gradients are added where they belong.

using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Modeling;

/// <summary>Looks rows up; the gradient goes straight into <see cref="Weights.Gradients"/>.</summary>
public sealed class EmbeddingRows : OwnFunction<EmbeddingRows>
{
    private const string Table = "table";

    /// <inheritdoc/>
    public override string Name => nameof(EmbeddingRows);

    /// <param name="weights">Holds the table.</param>
    /// <param name="name">Of the table, [V, D].</param>
    /// <param name="ids">[T], rows; one may come several times.</param>
    /// <returns>[T, D] in the master type.</returns>
    public static Tensor Of(Weights weights, string name, Tensor ids)
    {
        Tensor table = weights[name];
        return is_grad_enabled() && table.requires_grad ? apply(table, ids, (Action<Tensor, Tensor>)Add) : table.index_select(0, ids);

        void Add(Tensor rows, Tensor gradient)
        {
            using Tensor whole = weights.GradientOf(name);
            whole.AddRowsInPlace(rows, gradient);
        }
    }

    /// <inheritdoc/>
    protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
    {
        var ids = (Tensor)vars[1];
        ctx.save_for_backward([ids]);
        ctx.save_data(Table, vars[2]);
        return ((Tensor)vars[0]).index_select(0, ids);
    }

    /// <inheritdoc/>
    protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        ((Action<Tensor, Tensor>)ctx.get_data(Table))(ctx.get_saved_variables()[0], gradient);
        return [null!, null!, null!];
    }
}
