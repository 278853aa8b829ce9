using BgeSharp.Training.Modeling;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace BgeSharp.Training.Tests.Modeling;

/// <summary>What goes wrong in a function of ours during libtorch's backward pass comes back as an exception; left alone it would end the process.</summary>
public sealed class BackwardPassTests
{
    [Fact]
    public void An_exception_in_a_backward_function_is_thrown_by_the_pass_and_the_next_pass_is_whole()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        Tensor below = Twice.Of(x, null);
        Tensor loss = Twice.Of(below, "no memory for the gradient").sum();
        Assert.Equal("no memory for the gradient", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(loss)).Message);
        Assert.True(x.grad is null);      // cut short: the function below was not asked

        BackwardPass.Run(Twice.Of(x, null).sum());
        Assert.Equal([2, 2, 2], x.grad!.data<double>().ToArray());
    }

    [Fact]
    public void Nothing_is_made_for_functions_below_one_that_failed()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        Tensor below;
        using (NewDisposeScope())
        {
            below = Twice.Of(x, null).MoveToOuterDisposeScope();
        }
        // TorchSharp would make zeros after a pattern that went with the scope, outside of every guard.
        Tensor loss = Twice.Of(below, "here").sum();
        Assert.Equal("here", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(loss)).Message);
    }

    [Fact]
    public void A_pass_within_a_pass_leaves_the_outer_one_guarded()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        Tensor outer = Recomputed.Of(t =>
        {
            Tensor aside = randn([2], ScalarType.Float64).requires_grad_();
            using (enable_grad())
            {
                BackwardPass.Run(Twice.Of(aside, null).sum());
            }
            return Twice.Of(t[0], "after it");
        }, x).sum();
        Assert.Equal("after it", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(outer)).Message);
    }

    [Fact]
    public void The_first_of_several_failures_is_the_one_that_is_told()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        Tensor loss = Twice.Of(Twice.Of(x, "second"), "first").sum();
        Assert.Equal("first", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(loss)).Message);
    }

    [Fact]
    public void A_piece_that_fails_while_it_is_computed_again_fails_the_pass()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([3], ScalarType.Float64).requires_grad_();
        Tensor inner = Recomputed.Of(t => Twice.Of(t[0], "within"), x).sum();
        Assert.Equal("within", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(inner)).Message);

        int calls = 0;
        Tensor again = Recomputed.Of(t => calls++ == 0 ? t[0] * 2 : throw new NotSupportedException("the second time"), x).sum();
        Assert.Equal("the second time", Assert.Throws<NotSupportedException>(() => BackwardPass.Run(again)).Message);
    }

    [Fact]
    public void A_failure_of_libtorch_itself_is_told_as_well()
    {
        using var scope = NewDisposeScope();
        Tensor notScalar = randn([3], ScalarType.Float64).requires_grad_() * 2;
        Assert.ThrowsAny<System.Runtime.InteropServices.ExternalException>(() => BackwardPass.Run(notScalar));
    }

    [Fact]
    public void Given_gradients_of_several_outputs_go_into_their_leaves()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn([2], ScalarType.Float64).requires_grad_();
        BackwardPass.Run([Twice.Of(x, null), x * 3], [tensor(new[] { 1.0, 0 }), tensor(new[] { 1.0, 10 })]);
        Assert.Equal([5, 30], x.grad!.data<double>().ToArray());
    }

    /// <summary>2x, whose gradient fails where a message is given.</summary>
    public sealed class Twice : OwnFunction<Twice>
    {
        public override string Name => nameof(Twice);

        public static Tensor Of(Tensor x, string? failure) => apply(x, failure!);

        protected override Tensor Evaluate(AutogradContext ctx, object[] vars)
        {
            ctx.save_data("failure", vars[1]);
            return (Tensor)vars[0] * 2;
        }

        protected override List<Tensor> Differentiate(AutogradContext ctx, Tensor gradient)
            => ctx.get_data("failure") is string message ? throw new NotSupportedException(message) : [gradient * 2, null!];
    }
}
